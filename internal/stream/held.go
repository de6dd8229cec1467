package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/fault"
)

var (
	heldDesc       = newDesc("held_suppressions", "Suppressions beyond SUPPRESSION_LIMIT that wait as dead letters for an operator; a part of cioevents_dead_letters.")
	oldestDeadDesc = newDesc("dead_letters_oldest_seconds", "Age of the oldest message in the stream of dead letters; 0 for none.")
)

// A deadReading is the state of the stream of dead letters.
type deadReading struct {
	messages uint64
	oldest   time.Time // zero without messages
	held     uint64    // suppressions
}

// readDead reads the state of the stream of dead letters, nil for a missing stream. The
// oldest message stands for the oldest held suppression: a worker may not read dead
// letters.
func (c *Conn) readDead(ctx context.Context) (*deadReading, error) {
	dead, err := c.lookUpDead(ctx)
	if errors.Is(err, ErrNoDeadStream) {
		return nil, nil //nolint:nilnil // a missing stream is an answer
	}
	if err != nil {
		return nil, err
	}
	info, err := dead.Info(ctx, jetstream.WithSubjectFilter(deadSubject("*", fault.ReasonHeldSuppression)))
	if err != nil {
		return nil, fmt.Errorf("count held suppressions: %w", err)
	}
	r := &deadReading{messages: info.State.Msgs}
	if info.State.Msgs > 0 {
		r.oldest = info.State.FirstTime
	}
	for _, n := range info.State.Subjects {
		r.held += n
	}
	return r, nil
}

// collect sends the instruments.
func (r *deadReading) collect(at time.Time, gauge func(*prometheus.Desc, float64, ...string)) {
	gauge(deadDesc, float64(r.messages))
	gauge(heldDesc, float64(r.held))
	age := time.Duration(0)
	if !r.oldest.IsZero() {
		age = max(0, at.Sub(r.oldest)) // the stream's clock may be ahead
	}
	gauge(oldestDeadDesc, age.Seconds())
}
