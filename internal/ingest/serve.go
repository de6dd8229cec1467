package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// shutdownTimeout is how long calls in flight may take to end: longer than any
// of them may, and longer than the 5 s that net/http waits for a connection that has
// not sent its first call.
const shutdownTimeout = 8 * time.Second

// Serve answers calls on ln until ctx ends, then drains: it becomes unready,
// goes on for DrainDelay, refuses new calls with 503, finishes those in flight
// and closes. It returns nil after a clean drain.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := s.server()
	failed := make(chan error, 1)
	go func() { failed <- s.serve(srv, s.connections.on(ln)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve webhooks: %w", err)
	case <-ctx.Done():
	}
	s.drain(failed)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("finish calls in flight: %w", err)
	}
	return nil
}

// drain waits for the load balancer to look elsewhere.
func (s *Server) drain(failed <-chan error) {
	s.draining.Store(true)
	s.cfg.Log.Info().Stringer("delay", s.cfg.DrainDelay).Msg("draining")
	select {
	case <-time.After(s.cfg.DrainDelay):
	case <-failed: //nolint:errcheck // the listener is gone, for whatever reason
	}
	s.closing.Store(true)
}
