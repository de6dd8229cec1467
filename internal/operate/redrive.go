package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// DeadLetters reads and deletes stored dead letters. Both methods are called concurrently;
// their errors are transient.
type DeadLetters interface {
	// ReadDeadLetter returns a whole dead letter, or event.ErrNoDeadLetter.
	ReadDeadLetter(ctx context.Context, entries []uint64) (*event.StoredDeadLetter, error)
	// DeleteDeadLetter deletes a dead letter, if it is still there.
	DeleteDeadLetter(ctx context.Context, entries []uint64) error
}

// A Publisher puts messages into the stream. An error that is not permanent
// leaves open whether the message was stored; the same call is made again then.
type Publisher interface {
	Publish(ctx context.Context, m *event.Message) (duplicate bool, err error)
	// Redrive stores m for one consumer alone. The same number makes it the same
	// message.
	Redrive(ctx context.Context, consumer string, number uint64, m *event.Message) (duplicate bool, err error)
	// MaxBody is the size of the largest body that the stream takes.
	MaxBody() int
}

// A Redriver sends dead letters again: one that a consumer has given up to that
// consumer alone, one of ingest as the event that it has become readable as.
//
// It publishes, then deletes the dead letter. Interrupted in between, the next
// run publishes the same message id, which the stream knows for its window of
// de-duplication; after that the effects themselves bear a repetition.
type Redriver struct {
	DeadLetters DeadLetters
	Publisher   Publisher
	// Consumers are those that exist. What others gave up stays.
	Consumers []string
	// Concurrency is how many are sent at a time. Default 16.
	Concurrency int
	// Progress is called after each dead letter, concurrently.
	Progress func()
}

// A RedriveReport is what became of dead letters.
type RedriveReport struct {
	Redriven int `json:"redriven"`
	// Duplicates counts those of Redriven that the stream had already: an
	// earlier run did not come to its end, or ingest took the event since.
	Duplicates int `json:"duplicates"`
	// Gone were sent or dropped by somebody else.
	Gone int `json:"gone"`
	// Kept stay where they are, by why.
	Kept map[string]int `json:"kept"`
}

// Redrive sends the dead letters with these entries. An error ends it early;
// what was sent is deleted, so that another run goes on with the rest.
func (r Redriver) Redrive(ctx context.Context, letters [][]uint64) (RedriveReport, error) {
	run := &redriving{Redriver: r, report: RedriveReport{Kept: map[string]int{}}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan []uint64)
	var wg sync.WaitGroup
	for range cmp.Or(r.Concurrency, 16) {
		wg.Go(func() {
			for entries := range queue {
				if err := run.one(ctx, entries); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, entries := range letters {
		select {
		case queue <- entries:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	wg.Wait()
	return run.report, context.Cause(ctx)
}

// A redriving is one Redrive under way.
type redriving struct {
	Redriver
	mu     sync.Mutex
	report RedriveReport
}

// stepTimeout bounds what is done for one dead letter after an interruption:
// what was published must be deleted, if at all possible.
const stepTimeout = 10 * time.Second

func (r *redriving) one(ctx context.Context, entries []uint64) error {
	if ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	duplicate, err := r.publish(ctx, entries)
	kept, isKept := errors.AsType[keptError](err)
	switch {
	case errors.Is(err, event.ErrNoDeadLetter):
		r.count(func(c *RedriveReport) { c.Gone++ })
		return nil
	case isKept:
		r.count(func(c *RedriveReport) { c.Kept[string(kept)]++ })
		return nil
	case err != nil:
		return fmt.Errorf("redrive dead letter %d: %w", entries[0], err)
	}
	if err := r.DeadLetters.DeleteDeadLetter(ctx, entries); err != nil {
		return fmt.Errorf("redrive dead letter %d: it is sent, but stays: %w", entries[0], err)
	}
	r.count(func(c *RedriveReport) {
		c.Redriven++
		if duplicate {
			c.Duplicates++
		}
	})
	return nil
}

func (r *redriving) count(change func(*RedriveReport)) {
	r.mu.Lock()
	change(&r.report)
	r.mu.Unlock()
	if r.Progress != nil {
		r.Progress()
	}
}

// A keptError says why a dead letter cannot be sent again now.
type keptError string

func (e keptError) Error() string { return string(e) }

// publish sends one dead letter.
func (r *redriving) publish(ctx context.Context, entries []uint64) (duplicate bool, err error) {
	b, err := r.DeadLetters.ReadDeadLetter(ctx, entries)
	if err != nil {
		return false, err
	}
	m := &b.Message
	switch {
	case b.Missing > 0:
		return false, keptError("parts of the body are missing")
	case b.From == event.FromIngest:
		if err := m.Index(); err != nil {
			return false, keptError("the body is still no event: " + string(event.ParseReason(err)))
		}
		m.Fit(r.Publisher.MaxBody()) // as ingest does
		duplicate, err = r.Publisher.Publish(ctx, m)
	case !slices.Contains(r.Consumers, b.From):
		return false, keptError("there is no consumer " + b.From)
	default:
		duplicate, err = r.Publisher.Redrive(ctx, b.From, entries[0], m)
	}
	if reason, ok := fault.PermanentReason(err); ok {
		return false, keptError("the stream refuses it: " + string(reason))
	}
	return duplicate, err
}
