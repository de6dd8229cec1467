package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func TestServerAway(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p, err := stream.NewPublisher(conn, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	waitAway(t, conn)
	for i := range 3 {
		start := time.Now()
		_, err := p.Publish(t.Context(), message(fmt.Sprint("lost", i)))
		if !errors.Is(err, event.ErrStreamUnavailable) || time.Since(start) > time.Second {
			t.Fatalf("Publish = %v after %v", err, time.Since(start))
		}
	}
	if conn.Ready(t.Context()) == nil {
		t.Error("ready without a server")
	}
	srv.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		t.Fatal(err)
	}
	publish(t, p, message("abc"))
	if err := conn.Ready(ctx); err != nil {
		t.Errorf("Ready = %v", err)
	}
	if n := stored(t, conn); n != 1 {
		t.Errorf("%d messages stored, want 1, the confirmed message", n)
	}
}

// waitAway waits until the connection has detected the loss of the server.
func waitAway(t *testing.T, conn *stream.Conn) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for errors.Is(conn.Ready(ended), context.Canceled) { // still connected
		<-tick.C
	}
}

func TestWaitConnectedEnds(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	srv.Stop()
	waitAway(t, conn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := conn.WaitConnected(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitConnected = %v", err)
	}
	if err := conn.EnsureUntil(ctx, stream.Settings{}); !errors.Is(err, context.Canceled) {
		t.Errorf("EnsureUntil = %v", err)
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	for _, cfg := range []stream.Config{{TLSCert: "cert.pem"}, {TLSKey: "key.pem"}, {TLSCA: "/nowhere"}, {URL: "nats://%zz"}} {
		conn, err := stream.Connect(cfg)
		if err == nil {
			conn.Close()
			t.Errorf("Connect(%+v) succeeds", cfg)
		}
	}
}
