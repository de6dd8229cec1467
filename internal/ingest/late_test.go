package ingest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/ingest"
)

// A message that the stream refuses late, and whose dead letter fails too, is answered
// in time.
func TestLateRefusalAndSlowBurial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePublisher{
			publish: func(context.Context, *event.Message) error {
				<-time.After(2400 * time.Millisecond)
				return fault.Permanent(fault.ReasonTooLarge, event.ErrStreamFull)
			},
			keep: func(ctx context.Context, _ *event.DeadLetter) error {
				<-ctx.Done()
				return event.ErrStreamUnavailable
			},
		}
		server := newServer(t, ingest.Config{Publisher: p, Now: time.Now})
		start, w := time.Now(), httptest.NewRecorder()
		server.Handler().ServeHTTP(w, signed(t, ingest.Path, secret, small))
		if took := time.Since(start); w.Code != 503 || took > 3*time.Second {
			t.Errorf("answered %d after %v, want 503 within 3 s", w.Code, took)
		}
	})
}
