package stream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// MeasureReplay returns the replay that StartReplay would start, without an ID, and
// starts nothing. The error is ErrNothingToReplay when no event is selected.
func (c *Conn) MeasureReplay(ctx context.Context, q ReplayRequest) (*Replay, error) {
	if len(q.Subjects) == 0 {
		q.Subjects = []string{AllEvents}
	}
	r := &Replay{Target: q.Target, Since: q.Since, Until: q.Until, Filter: q.Filter, subjects: q.Subjects}
	if err := c.bound(ctx, r); err != nil {
		return nil, fmt.Errorf("start replay: %w", err)
	}
	if r.Total == 0 {
		return nil, fmt.Errorf("start replay: %w", ErrNothingToReplay)
	}
	return r, nil
}

// MeasureFrom is MeasureReplay for all events after a sequence. Total is 0 when no event
// follows.
func (c *Conn) MeasureFrom(ctx context.Context, target string, subjects []string, after uint64) (*Replay, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	r := &Replay{Target: target, subjects: subjects, after: after, End: st.CachedInfo().State.LastSeq}
	r.Total, err = c.countFrom(ctx, r, after+1)
	return r, err
}

// ReadReplay calls fn for each event of a replay in the order of the stream, until fn
// returns false. ReadReplay starts nothing and moves no consumer.
func (c *Conn) ReadReplay(ctx context.Context, r *Replay, fn func(event.Attempt) bool) error {
	cfg := orderedConfig(Selection{Since: r.Since})
	if r.after > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, r.after+1, nil
	}
	cfg.FilterSubjects = r.subjects
	return c.read(ctx, Name, cfg, false, func(msg jetstream.Msg) bool {
		a := newAttempt(c.nc, msg)
		if a.Sequence > r.End {
			return false
		}
		return fn(a) && a.Sequence < r.End
	})
}
