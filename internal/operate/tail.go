package operate

import (
	"context"
	"errors"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// TailEvents calls fn for each selected event that the stream has stored since a time, and
// goes on with new events. The zero time means new events only. TailEvents returns nil
// when fn returns false or when ctx is cancelled. It has no effect on consumers.
func TailEvents(ctx context.Context, conn *stream.Conn, f *EventFilter, since time.Time, fn func(event.Attempt) bool) error {
	s := stream.Selection{Since: since, NewOnly: since.IsZero(), Follow: true, Subjects: f.subjects()}
	return unlessCancelled(conn.TailEvents(ctx, s, func(a event.Attempt) bool { return !f.matchBody(a.Body) || fn(a) }))
}

// TailDeadLetters is TailEvents for dead letters, but with the zero time it begins with
// the first stored dead letter. A large dead letter comes in its parts.
func TailDeadLetters(ctx context.Context, conn *stream.Conn, f *EventFilter, since time.Time, fn func(event.StoredDeadLetter) bool) error {
	return unlessCancelled(conn.TailDeadLetters(ctx, stream.Selection{Since: since, Follow: true}, func(d event.StoredDeadLetter) bool {
		return !f.matchMessage(&d.Message) || !f.matchBody(d.Body) || fn(d)
	}))
}

func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
