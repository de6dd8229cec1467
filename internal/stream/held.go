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
	heldDesc         = newDesc("held_suppressions", "Suppressions beyond SUPPRESSION_LIMIT that wait as dead letters for an operator; a part of cioevents_dead_letters.")
	deadBytesDesc    = newDesc("dead_stream_bytes", "Size of the stream of dead letters in bytes.")
	deadMaxBytesDesc = newDesc("dead_stream_max_bytes", "Size in bytes at which the stream of dead letters refuses more; 0 for no limit.")
	oldestDeadDesc   = newDesc("dead_letters_oldest_seconds", "Age of the oldest message in the stream of dead letters; 0 for none.")
)

// A deadReading is the state of the stream of dead letters.
type deadReading struct {
	messages uint64
	bytes    uint64
	maxBytes int64
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
	r := &deadReading{messages: info.State.Msgs, bytes: info.State.Bytes, maxBytes: max(0, info.Config.MaxBytes)}
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
	gauge(deadBytesDesc, float64(r.bytes))
	gauge(deadMaxBytesDesc, float64(r.maxBytes))
	gauge(heldDesc, float64(r.held))
	age := time.Duration(0)
	if !r.oldest.IsZero() {
		age = max(0, at.Sub(r.oldest)) // the stream's clock may be ahead
	}
	gauge(oldestDeadDesc, age.Seconds())
}
