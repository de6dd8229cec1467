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

// StartReplay starts a replay and reports in hasConsumer whether the target exists as a
// consumer. Without a worker for the target the replay waits. The error is
// stream.ErrNothingToReplay if the request selects no stored event.
func StartReplay(ctx context.Context, conn *stream.Conn, q stream.ReplayRequest) (r *stream.Replay, hasConsumer bool, err error) {
	if r, err = conn.StartReplay(ctx, q); err != nil {
		return nil, false, err
	}
	if status, err := conn.Status(ctx); err == nil { // without a status only a hint is lost
		return r, slices.Contains(consumersOf(status), q.Target), nil
	}
	return r, true, nil
}

func consumersOf(s *stream.Status) []string {
	var names []string
	for _, cons := range s.Consumers {
		names = append(names, cons.Name)
	}
	return names
}

// replayPoll is the pause between two looks at a replay, shorter than the 3 s for
// which workers leave a finished replay in place.
const replayPoll = time.Second

// FollowReplay waits for the end of a replay, also while NATS is away. Each second
// FollowReplay calls seen with the number of handled events, and with begun set once a
// worker has started. The error is ctx's, or reports that somebody cancelled the
// replay or deleted the stream, or that the connection is closed for good.
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
			return fmt.Errorf("follow replay %s: somebody else has cancelled it", r.ID)
		case errors.Is(err, stream.ErrNoStream), errors.Is(err, stream.ErrClosed):
			return fmt.Errorf("follow replay: %w", err)
		case err == nil:
			handled, begun = r.Total-left, begun || now.Begun
		}
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

// A ReplayStatus is a replay with its state and progress.
type ReplayStatus struct {
	stream.Replay
	State string `json:"state"` // waiting, running or done
	Progress
}

// ListReplays returns the unfinished replays, and the replays that finished a moment
// ago, the oldest first.
func ListReplays(ctx context.Context, conn *stream.Conn) ([]ReplayStatus, error) {
	replays, err := conn.Replays(ctx)
	if err != nil {
		return nil, err
	}
	list := []ReplayStatus{}
	for i := range replays {
		left, r, err := conn.Remaining(ctx, replays[i].ID)
		if errors.Is(err, stream.ErrNoReplay) {
			continue // finished since the list was read
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

// A Progress is the progress of a replay.
type Progress struct {
	Remaining uint64 `json:"remaining"`
	// Percent is the handled part, rounded down, so that 100 means all events.
	Percent float64 `json:"done_percent"`
	// Rate is in events a second since the start.
	Rate float64 `json:"events_per_second"`
	// ETA is the time for the rest at Rate, in seconds, 0 when unknown.
	ETA float64 `json:"eta_seconds"`
}

// NewProgress returns the progress of a replay of total events after elapsed time.
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
