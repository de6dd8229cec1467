package workerapp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// withUsers adds users to a server: "creator" may create streams, "other" only the bucket
// of the workers.
// Connections without a user are those of an administrator.
func withUsers(o *server.Options) {
	other := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE." + stream.Name, "$JS.API.STREAM.CREATE." + stream.DeadName}}}
	o.Users = []*server.User{
		{Username: "admin", Password: "x"}, {Username: "creator", Password: "x"}, {Username: "other", Password: "x", Permissions: other},
	}
	o.NoAuthUser = "admin"
}

// A program is ingest or a worker that runs until the end of the test.
type program struct {
	admin, webhook string // URLs
}

func runProgram(t *testing.T, name, url, user string) program {
	t.Helper()
	env := map[string]string{
		"NATS_URL": strings.Replace(url, "nats://", "nats://"+user+":x@", 1), "ADMIN_ADDR": "127.0.0.1:0", "INGEST_ADDR": "127.0.0.1:0",
		"CUSTOMERIO_WEBHOOK_SECRET": "key", "DRAIN_DELAY": "0", "WORKER_CONSUMERS": "suppression", "EFFECTS_DRY_RUN": "true",
	}
	set := config.New(name, func(name string) string { return env[name] })
	var p program
	var run func(context.Context) error
	switch name {
	case "ingest":
		var cfg ingestapp.Config
		cfg.Declare(set)
		parseSet(t, set)
		app, err := ingestapp.New(cfg, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		p.admin, p.webhook, run = "http://"+app.AdminAddr().String(), "http://"+app.Addr().String()+"/webhooks/customerio", app.Run
	default:
		var cfg workerapp.Config
		cfg.Declare(set)
		parseSet(t, set)
		app, err := workerapp.New(cfg, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		p.admin, run = "http://"+app.AdminAddr().String(), app.Run
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("%s ended with: %v", name, err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return p
}

func parseSet(t *testing.T, set *config.Set) {
	t.Helper()
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
}

// request sends a request and returns the answer. A request with a body is
// signed.
func request(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		webhook.SignRequest(r.Header, "key", time.Now(), []byte(body))
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// waitFor waits until a condition holds, for 40 s at most.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(40 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not within 40 s: " + what)
		}
	}
}

// While the stream of dead letters is missing, the programs are ready and name the
// missing stream, and ingest answers 503 to a signed body that it cannot parse. A worker
// recreates the stream by itself.
func TestDeletedStreamOfDeadLetters(t *testing.T) {
	t.Parallel()
	nats := streamtest.Start(t, withUsers)
	conn := nats.Connect(stream.Settings{})
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil { // the user "other" may not
		t.Fatal(err)
	}
	ingest := runProgram(t, "ingest", nats.URL(), "other")
	call := func() int {
		status, _ := request(t, http.MethodPost, ingest.webhook, "no JSON")
		return status
	}
	waitFor(t, "an unreadable body is kept", func() bool { return call() == http.StatusOK })

	worker := runProgram(t, "worker", nats.URL(), "other")
	waitFor(t, "the consumer", func() bool {
		s, err := conn.Status(t.Context())
		return err == nil && len(s.Consumers) == 1
	})
	nats.DeleteStream(stream.DeadName)
	if status := call(); status != http.StatusServiceUnavailable {
		t.Errorf("an unreadable body without the stream is answered %d, want 503", status)
	}
	for name, p := range map[string]program{"ingest": ingest, "worker": worker} {
		waitFor(t, name+" names the missing stream", func() bool {
			status, text := request(t, http.MethodGet, p.admin+"/readyz", "")
			return status == http.StatusOK && strings.HasPrefix(text, "ready\n") && strings.Contains(text, "stream CUSTOMERIO_DEAD is missing")
		})
	}

	// At its start a worker creates the stream. Delete the stream of the running worker.
	runProgram(t, "worker", nats.URL(), "creator")
	back := func() bool {
		s, err := conn.Status(t.Context())
		return err == nil && s.Dead != nil
	}
	waitFor(t, "the stream is created", back)
	nats.DeleteStream(stream.DeadName)
	waitFor(t, "the stream is back", back)
	if status := call(); status != http.StatusOK {
		t.Errorf("an unreadable body is answered %d, want 200", status)
	}
	waitFor(t, "the note is gone", func() bool {
		_, text := request(t, http.MethodGet, ingest.admin+"/readyz", "")
		return text == "ready\n"
	})
}
