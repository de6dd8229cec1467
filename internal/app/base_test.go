package app_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A connection to NATS that nats.go has given up ends the program, with an error. Without
// the end, the program would refuse all work for ever and look alive.
func TestClosedConnectionEndsTheProgram(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	var b app.Base
	if err := b.Open("test", app.Config{AdminAddr: "127.0.0.1:0", NATS: stream.Config{URL: srv.URL()}}, zerolog.New(io.Discard)); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Listen(b.Conn.Ready, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	drained := false
	err := b.Serve(ctx, func(ctx context.Context) error {
		if err := b.Conn.WaitConnected(ctx); err != nil {
			return err
		}
		srv.Reload(func(o *natsserver.Options) { o.MaxControlLine = 30 }) // less than any request needs
		_ = b.Conn.Ready(ctx)
		<-ctx.Done()
		drained = true
		return nil
	})
	if !errors.Is(err, stream.ErrClosed) || !strings.Contains(err.Error(), "maximum control line exceeded") || !drained {
		t.Errorf("Serve = %v, other work drained: %v; want ErrClosed with the cause", err, drained)
	}
}

// After the final closure work goes on for a random part of LeaveWithin, or until ctx ends.
func TestProgramsLeaveOneByOne(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	b := app.Base{LeaveWithin: 1000 * time.Hour}
	if err := b.Open("test", app.Config{AdminAddr: "127.0.0.1:0", NATS: stream.Config{URL: srv.URL()}}, zerolog.New(io.Discard)); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Listen(b.Conn.Ready, nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err := b.Serve(ctx, func(ctx context.Context) error {
		if err := b.Conn.WaitConnected(ctx); err != nil {
			return err
		}
		srv.Reload(func(o *natsserver.Options) { o.MaxControlLine = 30 }) // less than any request needs
		_ = b.Conn.Ready(ctx)
		_ = b.Conn.WaitClosed(ctx)
		select {
		case <-ctx.Done():
			t.Error("the work ended at once")
		case <-time.After(100 * time.Millisecond):
			stop()
		}
		return nil
	})
	if !errors.Is(err, stream.ErrClosed) {
		t.Errorf("Serve = %v, want ErrClosed", err)
	}
}
