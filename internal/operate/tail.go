package operate

import (
	"context"
	"errors"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// TailEvents calls fn for each event that is stored since a time, and for new
// events as they are stored. The zero time means new events only. It returns nil when
// ctx is cancelled, or when fn returns false. Consumers do not notice.
func TailEvents(ctx context.Context, conn *stream.Conn, since time.Time, fn func(event.Attempt) bool) error {
	return unlessCancelled(conn.TailEvents(ctx, stream.Selection{Since: since, NewOnly: since.IsZero(), Follow: true}, fn))
}

// TailDeadLetters is TailEvents for dead letters, except that the zero time means
// all that are stored. A large dead letter comes in parts.
func TailDeadLetters(ctx context.Context, conn *stream.Conn, since time.Time, fn func(event.DeadLetter) bool) error {
	return unlessCancelled(conn.TailDeadLetters(ctx, stream.Selection{Since: since, Follow: true}, fn))
}

func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
