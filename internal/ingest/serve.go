package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// shutdownTimeout bounds the wait for calls in flight. 8 s is longer than any call may
// take, and longer than the 5 s for which a connection may stay without its first call.
const shutdownTimeout = 8 * time.Second

// queueTimeout is the time in which an ending listener waits for a pause between new
// connections. A queue of 4096 connections takes less than a second.
const queueTimeout = time.Second

// Serve answers calls on ln until ctx ends, and then drains. During a drain the server
// becomes unready and answers calls for DrainDelay. The server then closes ln when no
// connection waits in the queue of ln, refuses new calls with 503 and finishes the calls
// in flight. Serve returns nil after a clean drain. When ctx ends because the stream is lost
// for good (event.ErrStreamUnavailable), the drain has no delay.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv, bounded := s.server(), s.connections.on(ln)
	ended := make(chan struct{})
	defer close(ended)
	go s.connections.watch(ended)
	failed := make(chan error, 1)
	go func() {
		failed <- srv.Serve(bounded)
		close(failed)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve webhooks: %w", err)
	case <-ctx.Done():
	}
	s.drain(failed, delayAfter(context.Cause(ctx), s.cfg.DrainDelay))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	bounded.end(time.Now().Add(queueTimeout))
	<-failed //nolint:errcheck // the listener is closed, for whatever reason
	s.closing.Store(true)
	s.connections.finish(ctx)
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("finish calls in flight: %w", err)
	}
	return nil
}

// delayAfter returns 0 when the stream is lost for good. Every replica may have lost the
// stream at the same moment: if all became unready for a while, the load balancer would
// have no target. A replica that only restarts is away for a second or two.
func delayAfter(cause error, delay time.Duration) time.Duration {
	if errors.Is(cause, event.ErrStreamUnavailable) {
		return 0
	}
	return delay
}

// drain makes the server unready and waits for the load balancer to stop sending.
func (s *Server) drain(failed <-chan error, delay time.Duration) {
	s.draining.Store(true)
	s.cfg.Log.Info().Stringer("delay", delay).Msg("draining")
	select {
	case <-time.After(delay):
	case <-failed: //nolint:errcheck // the listener is gone, for whatever reason
	}
}
