package operate

import (
	"context"
	"errors"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// TailEvents calls fn for each event that the stream has stored since a time, and goes
// on with new events. The zero time means new events only. TailEvents returns nil when
// fn returns false or when ctx is cancelled. It has no effect on consumers.
func TailEvents(ctx context.Context, conn *stream.Conn, since time.Time, fn func(event.Attempt) bool) error {
	return unlessCancelled(conn.TailEvents(ctx, stream.Selection{Since: since, NewOnly: since.IsZero(), Follow: true}, fn))
}

// TailDeadLetters is TailEvents for dead letters, but with the zero time it begins with
// the first stored dead letter. A large dead letter comes in its parts.
func TailDeadLetters(ctx context.Context, conn *stream.Conn, since time.Time, fn func(event.DeadLetter) bool) error {
	return unlessCancelled(conn.TailDeadLetters(ctx, stream.Selection{Since: since, Follow: true}, fn))
}

func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
