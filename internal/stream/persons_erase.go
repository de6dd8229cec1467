package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/privacy"
)

// raftKeeps is how long a server of a cluster keeps the bytes of a deleted message in its
// Raft log. nats-server 2.15 truncates the log with a snapshot 2 to 3 minutes after the last
// one (compactInterval of monitorStream). The bytes were gone after 160 s, with and without
// new messages; the rest is a reserve for a server that is busy.
const raftKeeps = 10 * time.Minute

// Erase implements privacy.Store. Erase overwrites the bytes of the messages that every
// consumer has settled. Unsettled messages stay: without the message, its effect would
// never be performed.
func (s *EventStore) Erase(ctx context.Context, persons []privacy.Person, o privacy.EraseOptions) (privacy.Erased, error) {
	if _, err := s.look(ctx, persons, o.Progress); err != nil {
		return privacy.Erased{}, err
	}
	st, err := s.conn.lookUp(ctx, Name)
	if err != nil || len(s.seen.places) == 0 {
		return privacy.Erased{}, err
	}
	if cfg := st.CachedInfo().Config; cfg.DenyDelete {
		return denied(s.seen.places, cfg.MaxAge), nil
	}
	positions, _, err := s.conn.Positions(ctx)
	if err != nil {
		return privacy.Erased{}, err
	}
	erased, unsettled, err := s.erase(ctx, st, positions, o.Progress)
	result := privacy.Erased{Events: erased}
	s.conn.physically(&result, st.CachedInfo(), o.At)
	if len(unsettled) > 0 {
		result.NotClean, result.Note = true, strings.TrimSpace(strings.Join(append(unsettled, result.Note), " "))
	}
	return result, err
}

// erase deletes the settled messages of s.seen, and returns the number of their events and
// a sentence for each consumer with unsettled messages.
func (s *EventStore) erase(ctx context.Context, st jetstream.Stream, positions []Position, progress func(done, total int64)) (erased int64, unsettled []string, err error) {
	waits := map[string][]uint64{} // by consumer
	events := map[eventKey]bool{}
	var left []messagePlace
	for i, p := range s.seen.places {
		if by := unsettledBy(positions, p); len(by) > 0 {
			for _, name := range by {
				waits[name] = append(waits[name], p.sequence)
			}
			left = append(left, p)
			continue
		}
		if err = secureDelete(ctx, st, p.sequence); err != nil {
			left = append(left, s.seen.places[i:]...)
			break
		}
		events[p.event] = true
		s.seen.deleted = append(s.seen.deleted, p)
		if progress != nil {
			progress(int64(i+1), int64(len(s.seen.places)))
		}
	}
	s.seen.places = left
	for name, sequences := range waits {
		unsettled = append(unsettled, fmt.Sprintf("Consumer %s has not settled %d of the messages, from message %d to %d: they stay. Let a worker settle them (cioctl status), then run the command again.",
			name, len(sequences), sequences[0], sequences[len(sequences)-1]))
	}
	slices.Sort(unsettled)
	return int64(len(events)), unsettled, err
}

// unsettledBy returns the consumers that have not settled a message.
func unsettledBy(positions []Position, m messagePlace) (names []string) {
	for _, p := range positions {
		if !p.HasSettled(m.sequence, m.subject) {
			names = append(names, p.Consumer)
		}
	}
	return names
}

// secureDelete overwrites a message. A deleted message is no error.
func secureDelete(ctx context.Context, st jetstream.Stream, sequence uint64) error {
	err := st.SecureDeleteMsg(ctx, sequence)
	if err == nil {
		return nil
	}
	// Only the text of err tells that the message does not exist.
	if _, look := st.GetMsg(ctx, sequence); errors.Is(look, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete message %d: %w", sequence, err)
}

// denied is the result for a stream that refuses deletion.
func denied(places []messagePlace, maxAge time.Duration) privacy.Erased {
	e := privacy.Erased{NotClean: true, Note: denyDelete(Name) + "."}
	if maxAge > 0 {
		last := slices.MaxFunc(places, func(a, b messagePlace) int { return a.storedAt.Compare(b.storedAt) })
		e.CleanAt = last.storedAt.Add(maxAge).UTC()
		e.Note += fmt.Sprintf(" Without that, the last message of the person ages out after STREAM_MAX_AGE (%s).", ageText(maxAge))
	}
	return e
}

// physically sets when the bytes of deleted messages are gone from the disks of all
// servers.
func (c *Conn) physically(e *privacy.Erased, info *jetstream.StreamInfo, at time.Time) {
	if e.Events == 0 || info.Config.Replicas < 2 {
		return
	}
	if at.IsZero() {
		at = time.Now()
	}
	e.CleanAt = at.Add(raftKeeps).UTC()
	e.Note = "Until then the Raft logs of the servers may have the deleted bytes."
	if away := awayReplicas(info); len(away) > 0 {
		e.NotClean = true
		e.Note = fmt.Sprintf("Server %s was away: its disk has the bytes until it is back and has caught up. ", strings.Join(away, ", ")) + e.Note
	}
}

// awayReplicas returns the servers that have not caught up.
func awayReplicas(info *jetstream.StreamInfo) (names []string) {
	if info.Cluster == nil {
		return nil
	}
	for _, r := range info.Cluster.Replicas {
		if r.Offline {
			names = append(names, r.Name)
		}
	}
	return names
}
