package operate

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// copyConcurrency is the number of copies whose storing CopyReplay awaits at a time.
const copyConcurrency = 256

// NarrowToForeign restricts a replay to the events that its target reads. The error says what
// to do if the target does not read what is sent to it alone, and is an InputError if it
// reads none of the events.
func NarrowToForeign(ctx context.Context, conn *stream.Conn, q *stream.ReplayRequest) error {
	s, err := ForeignStatus(ctx, conn, q.Target)
	if err != nil {
		return err
	}
	if !s.Receives(&event.Message{}) {
		return fmt.Errorf("consumer %s does not read what is sent to it alone: add the subject customerio.redrive.%[1]s.> to its filter, now %s", s.Name, strings.Join(s.Filters, ", "))
	}
	if q.Subjects = stream.Both(q.Subjects, s.Filters); len(q.Subjects) == 0 {
		return &InputError{"filter", fmt.Errorf("%s reads none of these events: it reads %s", s.Name, strings.Join(s.Filters, ", "))}
	}
	return nil
}

// StoreTimeout is how long a long command waits until the stream has stored an event.
// Nobody hangs up on the command, as Customer.io does on ingest, and the command would end
// with the restart of a NATS server.
const StoreTimeout = time.Minute

// CopyReplay stores the events of a measured replay again for its target alone, a foreign
// consumer. It calls copied once for each stored event, concurrently. A worker reads a
// replay from the stream itself; another program knows one consumer only.
func CopyReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, copied func()) error {
	pub, err := stream.NewPublisher(conn, StoreTimeout)
	if err != nil {
		return err
	}
	defer pub.Close()
	run := time.Now().UnixNano()
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(copyConcurrency)
	err = conn.ReadReplay(running, r, func(a event.Attempt) bool {
		g.Go(func() error {
			_, err := pub.Redrive(running, r.Target, fmt.Sprintf("%s:%d:%d", r.Target, run, a.Sequence), &a.Message)
			if err == nil {
				copied()
			}
			return err
		})
		return true
	})
	return cmp.Or(g.Wait(), err) // an error of the group has ended the reading
}
