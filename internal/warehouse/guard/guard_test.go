package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// A guard lets no row through before it has read the list, with a list that is too old, and
// after somebody has deleted the bucket. A short outage does not matter.
func TestGuardNeedsTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, err := privacy.NewKey("k1", []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		full := &stream.Marks{List: []string{key.Mark("acme", privacy.Identifier{Kind: privacy.ID, Value: "a1"})}}
		marks, failure := full, errors.New("NATS is away")
		g := guard.New(guard.Config{Key: key, Log: zerolog.Nop(), ReadMarks: func(context.Context, *stream.Marks) (*stream.Marks, error) { return marks, failure }})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go g.Run(ctx)
		after := func(d time.Duration, want string) {
			t.Helper()
			<-time.After(d) // the clock of the bubble
			synctest.Wait()
			rows := []warehouse.Row{rowOf(t, []byte(`{"metric":"sent","customer_id":"a1"}`))}
			erased, unknown := g.IsErased("acme", &rows[0].Event)
			applied, ready := g.Apply(rows), g.Ready()
			if erased != (want == "") || (unknown == nil) != (want == "") {
				t.Errorf("IsErased: %t, %v; want the error %q", erased, unknown, want)
			}
			if want == "" && (applied != nil || ready != nil || rows[0].ErasedAt.IsZero()) {
				t.Errorf("the guard refuses: %v, %v; erased at %v", applied, ready, rows[0].ErasedAt)
			}
			if want != "" && (ready == nil || !strings.Contains(ready.Error(), want) || !fault.IsOutage(applied)) {
				t.Errorf("Ready: %v, Apply: %v; want %q", ready, applied, want)
			}
		}
		after(time.Second, "NATS is away")
		failure = nil
		after(2*time.Second, "")
		failure = errors.New("NATS is away")
		after(8*time.Second, "")
		after(5*time.Second, "NATS reachable")
		failure = nil
		after(2*time.Second, "")
		marks = &stream.Marks{Missing: true}
		after(2*time.Second, "somebody has deleted the bucket")
		marks = full
		after(2*time.Second, "")
	})
}
