package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// An EventStore finds, exports and erases the events of persons in the stream. EventStore
// implements privacy.Store. The first search for persons reads the whole stream: the server
// can search neither headers nor bodies. An EventStore remembers where the events of its
// last persons are, so that later searches and erasures read the newer messages only: no
// message of a stream ever changes. It is not safe for concurrent use.
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
	// deleted are the messages that Erase has deleted since the last Find.
	deleted []messagePlace
}

// A messagePlace is where a message of a person is.
type messagePlace struct {
	sequence   uint64
	subject    string
	storedAt   time.Time
	persons    []int // the indexes
	event      eventKey
	occurredAt time.Time
}

// An eventKey identifies an event.
type eventKey struct{ workspace, id, metric string }

// Name implements privacy.Store.
func (s *EventStore) Name() string { return "stream" }

// Related implements privacy.Store: the warehouses know the identifiers of a person.
func (s *EventStore) Related(context.Context, string, []privacy.Identifier) ([][]privacy.Identifier, error) {
	return nil, nil
}

// Find implements privacy.Store. A second Find for the same persons asks the server for each
// message that is known, and reads what came later.
func (s *EventStore) Find(ctx context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	known := len(s.seen.places)
	fresh, err := s.look(ctx, persons, nil)
	if err == nil && !fresh {
		err = s.lookAgain(ctx, known)
	}
	if err != nil {
		return nil, err
	}
	tally := privacy.NewTally[eventKey](len(persons)) // a message may be stored twice, and redriven
	for _, p := range s.seen.places {
		tally.Add(p.persons, p.event, p.occurredAt)
	}
	return tally.Found(), nil
}

// Export implements privacy.Store.
func (s *EventStore) Export(ctx context.Context, p privacy.Person, to func(privacy.Record) error) error {
	var failed error
	_, err := s.scan(ctx, 0, []privacy.Person{p}, nil, func(_ []int, a event.Attempt, e *webhook.Event) bool {
		failed = to(privacy.Record{Store: s.Name(), EventID: a.ID, Metric: string(e.Metric), Time: e.OccurredAt, Sequence: a.Sequence, Body: a.Body})
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// look completes s.seen up to the last message, and reports whether it began at the first.
func (s *EventStore) look(ctx context.Context, persons []privacy.Person, progress func(done, total int64)) (fresh bool, err error) {
	st, err := s.conn.lookUp(ctx, Name)
	if err != nil {
		return false, err
	}
	created, key := st.CachedInfo().Created, fmt.Sprint(persons)
	if fresh = s.seen.persons != key || !s.seen.created.Equal(created); fresh {
		s.seen = seenEvents{persons: key, created: created}
	}
	var later []messagePlace
	until, err := s.scan(ctx, s.seen.until, persons, progress, func(of []int, a event.Attempt, e *webhook.Event) bool {
		k := eventKey{a.Workspace, strings.Clone(a.ID), strings.Clone(string(e.Metric))}
		later = append(later, messagePlace{a.Sequence, strings.Clone(a.Subject), a.StoredAt, of, k, e.OccurredAt})
		return true
	})
	if err == nil { // else the next look would read the same messages twice
		s.seen.places, s.seen.until = append(s.seen.places, later...), until
	}
	return fresh, err
}

// lookAgain drops those of the first n messages of s.seen that the stream has no more, and
// takes back a deleted one that it has.
func (s *EventStore) lookAgain(ctx context.Context, n int) error {
	st, err := s.conn.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	known := slices.Concat(s.seen.deleted, s.seen.places[:n])
	left := slices.Clone(s.seen.places[n:])
	for _, p := range known {
		_, err := st.GetMsg(ctx, p.sequence)
		if err == nil {
			left = append(left, p)
		} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("read message %d: %w", p.sequence, err)
		}
	}
	s.seen.places, s.seen.deleted = left, nil
	return nil
}

// scanBatch is the number of messages of a request. With 500, the default of nats.go, a
// read takes a third longer.
const scanBatch = 5_000

// progressEvery is the number of messages between two reports of progress.
const progressEvery = 10_000

// scan calls fn with each message of the persons after a sequence, up to the message that
// is the last one at the start, until fn returns false. scan returns the sequence of that
// last message.
func (s *EventStore) scan(ctx context.Context, after uint64, persons []privacy.Person, progress func(done, total int64), fn func([]int, event.Attempt, *webhook.Event) bool) (until uint64, err error) {
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
		of, e, ok := m.match(workspace, msg.Data())
		return (!ok || fn(of, newAttempt(s.conn.nc, msg), e)) && sequence < state.LastSeq
	}, jetstream.PullMaxMessages(scanBatch))
	return state.LastSeq, err
}
