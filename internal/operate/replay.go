package operate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// StartReplay starts a replay. hasConsumer reports whether a worker has ever had
// the target; without such a worker the replay waits. The error is
// stream.ErrNothingToReplay when no stored event is selected.
func StartReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest) (r *stream.Replay, hasConsumer bool, err error) {
	if r, err = conn.StartReplay(ctx, q); err != nil {
		return nil, false, err
	}
	status, err := conn.Status(ctx)
	if err != nil {
		return r, true, nil //nolint:nilerr // the replay runs; only a hint is lost
	}
	return r, slices.Contains(consumersOf(status), q.Target), nil
}

func consumersOf(s *stream.Status) []string {
	var names []string
	for _, cons := range s.Consumers {
		names = append(names, cons.Name)
	}
	return names
}

// replayPoll is the pause between two looks at a replay. It is shorter than the
// time for which workers leave a finished replay in place.
const replayPoll = time.Second

// FollowReplay waits for the end of a replay. After each look, one a second, it
// calls seen with the number of handled events and with the knowledge that a worker
// has begun. The error is ctx's, or says that somebody cancelled the replay.
func FollowReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, seen func(handled uint64, begun bool)) error {
	t := time.NewTicker(replayPoll)
	defer t.Stop()
	handled, begun := uint64(0), false
	for {
		left, now, err := conn.Remaining(ctx, r.ID)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, stream.ErrNoReplay):
			return fmt.Errorf("replay %s has been cancelled by somebody else", r.ID)
		case err == nil:
			handled, begun = r.Total-left, begun || now.Begun
		} // else NATS is away for a moment
		seen(handled, begun)
		if err == nil && now.Done {
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A ReplayStatus says how far a replay is.
type ReplayStatus struct {
	stream.Replay
	State string `json:"state"` // waiting, running or done
	Progress
}

// ListReplays returns the replays that are not finished, and those that finished
// a moment ago, the oldest first.
func ListReplays(ctx context.Context, conn *stream.Conn) ([]ReplayStatus, error) {
	replays, err := conn.Replays(ctx)
	if err != nil {
		return nil, err
	}
	list := []ReplayStatus{}
	for i := range replays {
		left, r, err := conn.Remaining(ctx, replays[i].ID)
		if errors.Is(err, stream.ErrNoReplay) {
			continue // it finished in this moment
		}
		if err != nil {
			return nil, err
		}
		list = append(list, ReplayStatus{*r, stateOf(r), NewProgress(r.Total, left, time.Since(r.StartedAt))})
	}
	return list, nil
}

func stateOf(r *stream.Replay) string {
	switch {
	case r.Done:
		return "done"
	case r.Begun:
		return "running"
	default:
		return "waiting"
	}
}

// A Progress says how much of a replay is done.
type Progress struct {
	Remaining uint64 `json:"remaining"`
	// Percent is the settled part, rounded down, so that 100 means all.
	Percent float64 `json:"done_percent"`
	// Rate is in events a second since the start.
	Rate float64 `json:"events_per_second"`
	// ETA is the number of seconds that the rest takes at Rate, 0 when unknown.
	ETA float64 `json:"eta_seconds"`
}

// NewProgress measures a replay of total events that started some time ago.
func NewProgress(total, remaining uint64, elapsed time.Duration) Progress {
	p := Progress{Remaining: min(remaining, total), Percent: 100}
	done := total - p.Remaining
	if p.Remaining > 0 {
		p.Percent = float64(done*1000/total) / 10
	}
	if elapsed > 0 {
		p.Rate = float64(done) / elapsed.Seconds()
	}
	if p.Rate > 0 {
		p.ETA = math.Round(float64(p.Remaining) / p.Rate)
	}
	return p
}
