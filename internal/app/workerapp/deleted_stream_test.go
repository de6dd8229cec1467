package workerapp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The stream is deleted while ingest and a worker run. The worker recreates the stream
// within 10 s, and ingest, which may not create it, answers 200 again by itself.
func TestDeletedStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, withUsers)
	conn := srv.Connect(stream.Settings{})
	ingest := runProgram(t, "ingest", srv.URL(), "other")
	worker := runProgram(t, "worker", srv.URL(), "creator")
	call := func() int {
		status, _ := request(t, http.MethodPost, ingest.webhook, spammed)
		return status
	}
	waitFor(t, "an event is stored", func() bool { return call() == http.StatusOK })
	waitFor(t, "the worker is ready", func() bool {
		status, _ := request(t, http.MethodGet, worker.admin+"/readyz", "")
		return status == http.StatusOK
	})
	deleted := time.Now()
	srv.DeleteStream(stream.Name)
	if status := call(); status != http.StatusServiceUnavailable {
		t.Errorf("without the stream ingest answers %d, want 503", status)
	}
	waitFor(t, "an event is stored again", func() bool { return call() == http.StatusOK })
	if took := time.Since(deleted); took > 10*time.Second {
		t.Errorf("the stream is back after %s, want 10 s at most", took)
	}
	for name, p := range map[string]program{"ingest": ingest, "worker": worker} {
		waitFor(t, name+" is ready", func() bool {
			status, text := request(t, http.MethodGet, p.admin+"/readyz", "")
			return status == http.StatusOK && text == "ready\n"
		})
	}
	waitFor(t, "the worker has handled the event", func() bool {
		s, err := conn.Status(t.Context())
		return err == nil && len(s.Consumers) == 1 && s.Consumers[0].LastAck != nil && s.Consumers[0].Lag == 0
	})
}

// After the deletion of the stream the consumers handle each new event once, and no old
// event again.
func TestDeletedStreamRepeatsNoEffect(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	s := startOn(t, srv, srv.Connect(stream.Settings{}), credentials())
	s.handle("default", complaints(0, 5)...)
	s.wantSuppressed(5)
	srv.DeleteStream(stream.Name)
	s.eventually("the stream is back", func() bool { return s.conn.Ready(t.Context()) == nil })
	s.handle("default", complaints(5, 3)...)
	s.wantSuppressed(8)
	s.eventually("ready", func() bool { return s.readyz() == "ready\n" })
	if text := "missing stream of events recreated"; !strings.Contains(s.log.String(), text) {
		t.Errorf("the log lacks %q:\n%s", text, &s.log)
	}
}

// A stream that was made by hand makes ingest and worker not ready at their start, when
// it breaks a promise.
func TestHandMadeStream(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, withUsers)
	js := operator(t, srv)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: stream.Name, Subjects: []string{"customerio.events.>", "customerio.redrive.>"}, MaxMsgsPerSubject: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn := srv.Connect(stream.Settings{})
	programs := map[string]program{"ingest": runProgram(t, "ingest", srv.URL(), "other"), "worker": runProgram(t, "worker", srv.URL(), "creator")}
	for name, p := range programs {
		waitFor(t, name+" is not ready", func() bool {
			status, text := request(t, http.MethodGet, p.admin+"/readyz", "")
			return status == http.StatusServiceUnavailable && strings.Contains(text, "max messages per subject is 1") && strings.Contains(text, "cioctl stream apply")
		})
	}
	if err := conn.Apply(t.Context(), stream.Settings{}, true); err != nil {
		t.Fatal(err)
	}
	for name, p := range programs {
		waitFor(t, name+" is ready", func() bool {
			status, text := request(t, http.MethodGet, p.admin+"/readyz", "")
			return status == http.StatusOK && text == "ready\n"
		})
	}
}

// cioctl status names the settings of a worker that the running stream does not have,
// until somebody applies them.
func TestStatusNamesOtherSettings(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	env := credentials()
	env["STREAM_MAX_AGE"], env["DEAD_STREAM_MAX_BYTES"] = "800h", "1GiB"
	s := startOn(t, srv, conn, env)
	says := func() string {
		status, err := conn.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(status.Problems, "\n")
	}
	want := []string{"STREAM_MAX_AGE is 720h, configured is 800h", "DEAD_STREAM_MAX_BYTES is unlimited, configured is 1GiB"}
	for _, text := range want {
		s.eventually("status: "+text, func() bool { return strings.Contains(says(), text) })
		s.eventually("readiness: "+text, func() bool {
			ready := s.readyz()
			return strings.HasPrefix(ready, "ready\n") && strings.Contains(ready, text)
		})
	}
	if err := conn.Apply(t.Context(), stream.Settings{MaxAge: 800 * time.Hour, DeadMaxBytes: 1 << 30}, false); err != nil {
		t.Fatal(err)
	}
	if got := says(); got != "" {
		t.Errorf("status after apply: %q", got)
	}
	s.eventually("no note", func() bool { return s.readyz() == "ready\n" })
}
