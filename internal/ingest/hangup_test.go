package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
)

// A publisher stops to try when the sender of a call has hung up, whatever the sender has
// sent before.
func TestHangUpCancelsTheCall(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]string{"": "", ", after half a call": call(small)[:100]} {
		for _, serve := range []struct {
			name string
			on   func(*testing.T, ingest.Config) *listener
		}{
			{"plain", func(t *testing.T, cfg ingest.Config) *listener { t.Helper(); return serveOn(t, cfg) }},
			{"TLS", func(t *testing.T, cfg ingest.Config) *listener { t.Helper(); return newSecured(t, cfg).listener }},
		} {
			t.Run(serve.name+name, func(t *testing.T) {
				t.Parallel()
				entered, ended := make(chan struct{}), make(chan error, 1)
				l := serve.on(t, ingest.Config{Publisher: &fakePublisher{publish: func(ctx context.Context, _ *event.Message) error {
					close(entered)
					select {
					case <-ctx.Done():
						ended <- nil
					case <-time.After(10 * time.Second):
						ended <- errors.New("the context goes on")
					}
					return ctx.Err()
				}}})
				conn := l.dial(t)
				send(t, conn, call(small))
				<-entered
				send(t, conn, after)
				begin := time.Now()
				conn.Close()
				if err := <-ended; err != nil || time.Since(begin) > 5*time.Second {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
			})
		}
	}
}

// The context of a slow call whose sender waits is alive, also with the next call behind
// the call, and both are answered.
func TestSlowCallGoesOn(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{Publisher: &fakePublisher{publish: func(ctx context.Context, _ *event.Message) error {
		select {
		case <-ctx.Done():
		case <-time.After(600 * time.Millisecond): // watch has looked twice
		}
		return ctx.Err()
	}}})
	conn := l.dial(t)
	defer conn.Close()
	send(t, conn, call(small)+call(small))
	r := bufio.NewReader(conn)
	for i, want := range []string{stored, duplicate} {
		if got, err := readAnswer(r); got != want || err != nil {
			t.Errorf("call %d is answered %q, %v, want %q", i, got, err, want)
		}
	}
}

// A sender that closes its sending side only gets its answer.
func TestHalfClosedCallIsAnswered(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{Publisher: &fakePublisher{publish: func(context.Context, *event.Message) error {
		<-time.After(600 * time.Millisecond)
		return nil
	}}})
	conn := l.dial(t)
	defer conn.Close()
	send(t, conn, call(small))
	_ = conn.(*net.TCPConn).CloseWrite()
	if got, err := readAnswer(bufio.NewReader(conn)); got != stored || err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("the call is answered %q, %v", got, err)
	}
}
