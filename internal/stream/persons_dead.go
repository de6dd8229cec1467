package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A DeadStore finds, exports and erases the dead letters of persons. DeadStore implements
// privacy.Store.
type DeadStore struct {
	conn *Conn
	// Keeps reports whether Erase must keep a dead letter, for example because the effect
	// of the event was never performed. Default nil: Erase keeps none.
	Keeps func(*event.StoredDeadLetter) bool
}

// DeadStore returns the store of the dead letters.
func (c *Conn) DeadStore() *DeadStore { return &DeadStore{conn: c} }

// Name implements privacy.Store.
func (s *DeadStore) Name() string { return "dead letters" }

// Related implements privacy.Store: the warehouses know the identifiers of a person.
func (s *DeadStore) Related(context.Context, string, []privacy.Identifier) ([][]privacy.Identifier, error) {
	return nil, nil
}

// Find implements privacy.Store.
func (s *DeadStore) Find(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	tally := privacy.NewTally[eventKey](len(persons))
	err := s.each(ctx, persons, func(of []int, d *event.StoredDeadLetter, e *webhook.Event) error {
		tally.Add(of, keyOfDead(d, e), e.OccurredAt)
		return nil
	})
	return tally.Found(), err
}

// Export implements privacy.Store.
func (s *DeadStore) Export(ctx context.Context, p privacy.Person, to func(privacy.Record) error) error {
	return s.Each(ctx, []privacy.Person{p}, func(d *event.StoredDeadLetter, e *webhook.Event) error {
		return to(privacy.Record{Store: s.Name(), EventID: d.ID, Metric: string(e.Metric), Time: e.OccurredAt, Sequence: d.Entries[0], Body: d.Body})
	})
}

// Erase implements privacy.Store. Erase overwrites the bytes of the dead letters.
func (s *DeadStore) Erase(ctx context.Context, persons []privacy.Person, o privacy.EraseOptions) (privacy.Erased, error) {
	var entries [][]uint64
	kept := []string{}
	events := map[eventKey]bool{}
	err := s.Each(ctx, persons, func(d *event.StoredDeadLetter, e *webhook.Event) error {
		if s.Keeps != nil && s.Keeps(d) {
			kept = append(kept, strconv.FormatUint(d.Entries[0], 10))
			return nil
		}
		entries, events[keyOfDead(d, e)] = append(entries, d.Entries), true
		return nil
	})
	if err != nil || len(entries)+len(kept) == 0 {
		return privacy.Erased{}, err
	}
	st, err := s.conn.lookUpDead(ctx)
	if err != nil {
		return privacy.Erased{}, err
	}
	if st.CachedInfo().Config.DenyDelete {
		return privacy.Erased{NotClean: true, Note: denyDelete(DeadName) + "."}, nil
	}
	for i, e := range entries {
		if err := s.conn.DeleteDeadLetter(ctx, e); err != nil {
			return privacy.Erased{Events: int64(i)}, err
		}
		if o.Progress != nil {
			o.Progress(int64(i+1), int64(len(entries)))
		}
	}
	erased := privacy.Erased{Events: int64(len(events))}
	s.conn.physically(&erased, st.CachedInfo(), o.At)
	if len(kept) > 0 {
		erased.NotClean = true
		erased.Note = strings.TrimSpace(fmt.Sprintf("Kept: dead letter %s of an effect that was never performed. ", strings.Join(kept, ", ")) + erased.Note)
	}
	return erased, nil
}

func keyOfDead(d *event.StoredDeadLetter, e *webhook.Event) eventKey {
	return eventKey{d.Workspace, d.ID, string(e.Metric)}
}

// Each calls fn with each dead letter of the persons and its event, until fn returns an
// error. A body that is no event is nobody's. The event is valid during the call.
func (s *DeadStore) Each(ctx context.Context, persons []privacy.Person, fn func(*event.StoredDeadLetter, *webhook.Event) error) error {
	return s.each(ctx, persons, func(_ []int, d *event.StoredDeadLetter, e *webhook.Event) error { return fn(d, e) })
}

// each is Each with the indexes of the persons.
func (s *DeadStore) each(ctx context.Context, persons []privacy.Person, fn func([]int, *event.StoredDeadLetter, *webhook.Event) error) error {
	m := newMatcher(persons)
	var failed error
	err := s.conn.eachDeadLetter(ctx, func(d *event.StoredDeadLetter) bool {
		if of, e, ok := m.match(d.Workspace, d.Body); ok {
			failed = fn(of, d, e)
		}
		return failed == nil
	})
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, ErrNoDeadStream):
		return nil // no dead letters
	default:
		return err
	}
}

// eachDeadLetter is ListDeadLetters with the bodies. Dead letters with missing parts have
// the parts that are left.
func (c *Conn) eachDeadLetter(ctx context.Context, fn func(*event.StoredDeadLetter) bool) error {
	return c.listDead(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}, fn)
}
