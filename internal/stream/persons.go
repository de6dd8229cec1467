package stream

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// An EventStore finds, exports and erases the events of persons in the stream. EventStore
// implements privacy.Store. Each search reads the whole stream: the server can search
// neither headers nor bodies. An EventStore remembers where the events of its last persons
// are, so that Erase after FindAll reads the newer messages only. It is not safe for
// concurrent use.
type EventStore struct {
	conn *Conn
	seen seenEvents
}

// EventStore returns the store of the events in the stream.
func (c *Conn) EventStore() *EventStore { return &EventStore{conn: c} }

// seenEvents are the messages of persons up to the message until.
type seenEvents struct {
	persons string
	created time.Time // of the stream
	until   uint64
	places  []messagePlace
	found   []privacy.Found
	// counted has the events that found counts: a message may be stored twice, and
	// redriven.
	counted map[eventKey]bool
}

// A messagePlace is where a message is.
type messagePlace struct {
	sequence uint64
	subject  string
	storedAt time.Time
	event    eventKey
}

// An eventKey identifies an event.
type eventKey struct{ workspace, id, metric string }

// Name implements privacy.Store.
func (s *EventStore) Name() string { return "stream" }

// Related implements privacy.Store: the warehouses know the identifiers of a person.
func (s *EventStore) Related(context.Context, string, []privacy.Identifier) ([][]privacy.Identifier, error) {
	return nil, nil
}

// Find implements privacy.Store.
func (s *EventStore) Find(ctx context.Context, p privacy.Person) (privacy.Found, error) {
	found, err := s.FindAll(ctx, []privacy.Person{p})
	if err != nil {
		return privacy.Found{}, err
	}
	return found[0], nil
}

// FindAll is Find for several persons in one read of the stream.
func (s *EventStore) FindAll(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	s.seen = seenEvents{}
	if err := s.look(ctx, persons, nil); err != nil {
		return nil, err
	}
	return s.seen.found, nil
}

// Export implements privacy.Store.
func (s *EventStore) Export(ctx context.Context, p privacy.Person, to func(privacy.Record) error) error {
	var failed error
	_, err := s.scan(ctx, 0, []privacy.Person{p}, nil, func(_ int, a event.Attempt, e *webhook.Event) bool {
		failed = to(privacy.Record{Store: s.Name(), EventID: a.ID, Metric: string(e.Metric), Time: e.OccurredAt, Sequence: a.Sequence, Body: a.Body})
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// look completes s.seen up to the last message.
func (s *EventStore) look(ctx context.Context, persons []privacy.Person, progress func(done, total int64)) error {
	st, err := s.conn.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	created, key := st.CachedInfo().Created, fmt.Sprint(persons)
	if s.seen.persons != key || !s.seen.created.Equal(created) {
		s.seen = seenEvents{persons: key, created: created, found: make([]privacy.Found, len(persons)), counted: map[eventKey]bool{}}
	}
	until, err := s.scan(ctx, s.seen.until, persons, progress, func(i int, a event.Attempt, e *webhook.Event) bool {
		s.seen.add(i, &a, e)
		return true
	})
	if err == nil {
		s.seen.until = until
	}
	return err
}

func (s *seenEvents) add(person int, a *event.Attempt, e *webhook.Event) {
	k := eventKey{a.Workspace, strings.Clone(a.ID), strings.Clone(string(e.Metric))}
	s.places = append(s.places, messagePlace{a.Sequence, strings.Clone(a.Subject), a.StoredAt, k})
	if s.counted[k] {
		return
	}
	s.counted[k] = true
	count(&s.found[person], e.OccurredAt)
}

// count adds an event with a time, the zero time for none, to what was found.
func count(f *privacy.Found, at time.Time) {
	f.Events++
	if at.IsZero() {
		return
	}
	if f.First.IsZero() || at.Before(f.First) {
		f.First = at
	}
	if at.After(f.Last) {
		f.Last = at
	}
}

// scanBatch is the number of messages of a request. With 500, the default of nats.go, a
// read takes a third longer.
const scanBatch = 5_000

// progressEvery is the number of messages between two reports of progress.
const progressEvery = 10_000

// scan calls fn with each message of the persons after a sequence, up to the message that
// is the last one at the start, until fn returns false. scan returns the sequence of that
// last message.
func (s *EventStore) scan(ctx context.Context, after uint64, persons []privacy.Person, progress func(done, total int64), fn func(int, event.Attempt, *webhook.Event) bool) (until uint64, err error) {
	st, err := s.conn.lookUp(ctx, Name)
	if err != nil {
		return 0, err
	}
	state := st.CachedInfo().State
	first := max(after+1, state.FirstSeq)
	if first > state.LastSeq {
		return state.LastSeq, nil
	}
	m := newMatcher(persons)
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first}
	err = s.conn.read(ctx, Name, cfg, false, func(msg jetstream.Msg) bool {
		meta, err := msg.Metadata()
		if err != nil || meta.Sequence.Stream > state.LastSeq {
			return false
		}
		sequence := meta.Sequence.Stream
		if progress != nil && sequence%progressEvery == 0 {
			progress(int64(sequence-first), int64(state.LastSeq-first)+1) //nolint:gosec // no stream has so many messages
		}
		workspace, _, _ := parseSubject(msg.Subject())
		i, e, ok := m.match(workspace, msg.Data())
		return (!ok || fn(i, newAttempt(s.conn.nc, msg), e)) && sequence < state.LastSeq
	}, jetstream.PullMaxMessages(scanBatch))
	return state.LastSeq, err
}
