package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bound sets End, Until and Total of r.
func (c *Conn) bound(ctx context.Context, r *Replay) error {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	r.End = st.CachedInfo().State.LastSeq
	if r.Until.IsZero() {
		r.Until = time.Now().UTC()
	} else {
		later, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) { startAt(cfg, r.Until) })
		if err != nil {
			return err
		}
		// Delivered of a new consumer is the position before its first message, so
		// Delivered is the last event before Until.
		r.End = min(r.End, later.Delivered.Stream)
	}
	all, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) { startAt(cfg, r.Since) })
	if err != nil {
		return err
	}
	beyond, err := c.countFrom(ctx, r, r.End+1)
	if err != nil {
		return err
	}
	if all.NumPending > beyond && all.Delivered.Stream < r.End {
		r.Total = all.NumPending - beyond
	}
	return nil
}

// countFrom counts the stored events with the subjects of r, from a sequence on.
func (c *Conn) countFrom(ctx context.Context, r *Replay, sequence uint64) (uint64, error) {
	info, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence
	})
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}

// peek creates a temporary consumer and returns its state, to count messages and to
// find a position by time. The stream itself offers no such query.
func (c *Conn) peek(ctx context.Context, subjects []string, start func(*jetstream.ConsumerConfig)) (*jetstream.ConsumerInfo, error) {
	cfg := jetstream.ConsumerConfig{
		FilterSubjects: subjects, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 10 * time.Second,
	}
	start(&cfg)
	cons, err := c.js.CreateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	info := cons.CachedInfo()
	_ = c.js.DeleteConsumer(ctx, Name, info.Name) // otherwise the server deletes it after InactiveThreshold
	return info, nil
}

// startAt makes a consumer start at a time; the zero time is the beginning of the
// stream.
func startAt(cfg *jetstream.ConsumerConfig, t time.Time) {
	if t.IsZero() {
		cfg.DeliverPolicy = jetstream.DeliverAllPolicy
		return
	}
	cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &t
}

// Remaining returns a replay and the number of its unsettled events. The error is
// ErrNoReplay when the replay does not exist.
func (c *Conn) Remaining(ctx context.Context, id string) (uint64, *Replay, error) {
	cons, err := c.js.Consumer(ctx, Name, replayPrefix+id)
	if err != nil {
		return 0, nil, replayError(id, err)
	}
	info := cons.CachedInfo()
	r := replayOf(info)
	unsettled := uint64(max(info.NumAckPending, 0))
	switch {
	case r.Done:
		return 0, &r, nil
	case info.Delivered.Stream >= r.End:
		return min(unsettled, r.Total), &r, nil
	}
	beyond, err := c.countFrom(ctx, &r, r.End+1)
	if err != nil {
		return 0, nil, err
	}
	// info.NumPending lags a little behind the stream and may lack some of the
	// events beyond End, which beyond counts.
	pending, err := c.countFrom(ctx, &r, info.Delivered.Stream+1)
	if err != nil {
		return 0, nil, err
	}
	return min(pending-min(pending, beyond)+unsettled, r.Total), &r, nil
}
