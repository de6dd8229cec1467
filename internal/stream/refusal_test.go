package stream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A full store of the server or of the account is no full stream: a higher
// STREAM_MAX_BYTES would change nothing. The errors are those of a real server.
func TestStoreFull(t *testing.T) {
	t.Parallel()
	for limit, option := range map[string]streamtest.Option{
		"max_file_store of the NATS server": func(o *natsserver.Options) { o.JetStreamMaxStore = 20_000 },
		"max_file of the NATS account":      withConfig(t, `accounts { A { jetstream { max_file: 20000 }, users: [{user: a, password: a}] } }, no_auth_user: a`),
	} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			p := publisher(t, streamtest.Start(t, option).Connect(stream.Settings{}))
			var err error
			for n := 0; err == nil && n < 100; n++ {
				m := message(strings.Repeat("x", n+1))
				m.Body = []byte(strings.Repeat("x", 1000))
				_, err = p.Publish(t.Context(), m)
			}
			if !errors.Is(err, event.ErrStoreFull) || !strings.Contains(err.Error(), limit) {
				t.Errorf("Publish = %v, want ErrStoreFull and %q", err, limit)
			}
		})
	}
}

// withConfig takes the accounts and the users of a server from a configuration.
func withConfig(t *testing.T, text string) streamtest.Option {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *natsserver.Options) {
		o.Accounts, o.Users, o.NoAuthUser = parsed.Accounts, parsed.Users, parsed.NoAuthUser
	}
}

// The server refuses the password several times, as in a rotation in the wrong order.
// When the password is right again, publishing goes on by itself.
func TestPasswordRefusedForAWhile(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t, password("right"))
	var log logText
	conn, err := stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Ensure(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	p := publisher(t, conn)
	srv.Reload(password("wrong"))
	<-time.After(3 * time.Second) // some ten tries: nats.go gives up after two by default
	if err := conn.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "authorization violation") {
		t.Errorf("Ready = %v, want the refusal", err)
	}
	if n := log.count("authorization violation"); n == 0 || n > 3 {
		t.Errorf("%d log lines about refusals within 3 s, want 1 to 3", n)
	}
	srv.Reload(password("right"))
	begin := time.Now()
	for _, err = p.Publish(t.Context(), message("abc")); err != nil && time.Since(begin) < 10*time.Second; {
		_, err = p.Publish(t.Context(), message("abc"))
	}
	if err != nil {
		t.Errorf("10 s after the right password Publish = %v", err)
	}
	t.Logf("published %v after the right password", time.Since(begin))
}

func password(word string) streamtest.Option {
	return func(o *natsserver.Options) { o.Username, o.Password = "ingest", word }
}

// nats.go closes a connection for good when max_payload shrinks below a message that is
// on its way.
func TestConnectionClosedForGood(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	var log *logText
	var conn *stream.Conn
	var err error
	for tries := 0; err == nil && tries < 20; tries++ {
		log = &logText{}
		if conn, err = stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.New(log)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		err = closedByLimit(t, srv, conn)
	}
	if !errors.Is(err, stream.ErrClosed) || !strings.Contains(err.Error(), "Maximum Payload Violation") {
		t.Errorf("WaitClosed = %v, want ErrClosed with the cause", err)
	}
	if log.count("NATS connection closed for good") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
	if err := conn.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "Maximum Payload Violation") {
		t.Errorf("Ready = %v, want the cause", err)
	}
}

// closedByLimit lowers the payload limit again and again while messages are published, until
// nats.go has published too large a message in between. nil means that nats.go has noticed
// the closed connection before the server's word: it has then connected again, perhaps with
// the lower limit, and publishes no large message any more.
func closedByLimit(t *testing.T, srv *streamtest.Server, conn *stream.Conn) error {
	t.Helper()
	p, err := stream.NewPublisher(conn, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- conn.WaitClosed(ctx); cancel() }()
	var publishing sync.WaitGroup
	for range 4 {
		publishing.Go(func() {
			for ctx.Err() == nil {
				m := message("abc")
				m.Body = make([]byte, 500_000)
				_, _ = p.Publish(ctx, m) // no stream: each call fails
			}
		})
	}
	for ctx.Err() == nil {
		for _, size := range []int32{1000, 1 << 20} {
			srv.Reload(func(o *natsserver.Options) { o.MaxPayload = size })
		}
	}
	publishing.Wait()
	return <-closed
}
