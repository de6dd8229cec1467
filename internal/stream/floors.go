package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// PrepareState creates the missing bucket CIOEVENTS_STATE, and completes a bucket whose
// creator was interrupted before the bucket had all floors. The creator of the bucket
// stores the floors of all consumers with irreversible effects: the position of an
// existing consumer, and 0 for a missing consumer of a new installation. In an old
// installation, where another consumer has a position, the position of a missing
// consumer is lost. names are the consumers of this worker's workspaces. Another worker
// may have other workspaces, so isCareful selects further consumers among the existing
// ones. Without the stream no bucket is created: the account may be a wrong one.
func (c *Conn) PrepareState(ctx context.Context, s Settings, names []string, isCareful func(name string) bool) error {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	created, err := c.CreateState(ctx, s)
	if err == nil && !created {
		created, err = c.isUnfinished(ctx)
	}
	if err != nil || !created {
		return err
	}
	c.log.Info().Msg("workers' bucket created")
	infos, err := durables(ctx, st)
	if err != nil {
		return err
	}
	for name, f := range firstFloors(st.CachedInfo(), infos, names, isCareful) {
		if err := c.writeFloor(ctx, name, &f, 0); err != nil && !errors.Is(err, ErrStateConflict) {
			return err
		}
	}
	return c.State().Put(ctx, floorsKey, []byte("complete"))
}

// isUnfinished reports whether the creator of the bucket was interrupted: the bucket has
// floors at most, and nobody has ever replaced or deleted one. Workers write other keys
// only to a complete bucket. Floors that somebody has deleted stay lost.
func (c *Conn) isUnfinished(ctx context.Context) (bool, error) {
	st, err := c.lookUp(ctx, stateStream)
	if err != nil || st.CachedInfo().State.LastSeq != st.CachedInfo().State.Msgs {
		return false, err
	}
	keys, err := c.State().subjects(ctx, ">")
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return !strings.HasPrefix(key, floorPrefix) }), nil
}

// firstFloors returns the floors of a new bucket.
func firstFloors(st *jetstream.StreamInfo, infos []*jetstream.ConsumerInfo, names []string, isCareful func(string) bool) map[string]floor {
	lost := slices.ContainsFunc(infos, hasPosition)
	floors := map[string]floor{}
	if !isCopied(st) { // otherwise an operator knows more
		for _, name := range names {
			floors[name] = floor{Stream: st.Created, Fresh: !lost, Lost: lost}
		}
	}
	for _, info := range infos {
		if isCareful(info.Name) {
			floors[info.Name] = floor{Stream: st.Created, Sequence: info.AckFloor.Stream}
		}
	}
	return floors
}

// hasPosition reports whether a consumer has settled messages, or was created after
// settled messages. A new consumer of a stream whose first messages are gone has an
// AckFloor.Stream, too.
func hasPosition(info *jetstream.ConsumerInfo) bool {
	return info.AckFloor.Consumer > 0 || info.Config.OptStartSeq > 1
}

// readFloor returns the floor of a consumer, nil for none or a lost one, and the
// revision of the key.
func (c *Conn) readFloor(ctx context.Context, name string) (*floor, uint64, error) {
	value, revision, err := c.State().Get(ctx, floorPrefix+name)
	if errors.Is(err, ErrNoKey) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := parseFloor(value)
	if err != nil || f.Lost {
		return nil, revision, err
	}
	return f, revision, nil
}

// writeFloor stores a floor in place of the revision, 0 for none.
func (c *Conn) writeFloor(ctx context.Context, name string, f *floor, revision uint64) (err error) {
	if revision == 0 {
		_, err = c.State().Create(ctx, floorPrefix+name, f.json(), 0)
	} else {
		_, err = c.State().Update(ctx, floorPrefix+name, f.json(), revision)
	}
	return err
}

// StartConsumer makes a consumer with a floor go on after a sequence, forward or back.
// StartConsumer deletes the consumer; a worker recreates the consumer within seconds.
func (c *Conn) StartConsumer(ctx context.Context, name string, after uint64) error {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	f := floor{Stream: st.CachedInfo().Created, Sequence: min(after, st.CachedInfo().State.LastSeq), Started: time.Now().UTC()}
	have, err := c.consumerInfo(ctx, name)
	if err != nil {
		return err
	}
	if have != nil { // no worker stores the position of this consumer any more
		f.Replaces = have.Created
	}
	if err := c.State().Put(ctx, floorPrefix+name, f.json()); err != nil {
		return err
	}
	if have == nil {
		return nil
	}
	if err := c.js.DeleteConsumer(ctx, Name, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("delete consumer %s: %w", name, err)
	}
	return nil
}

// Floor returns the stored floor of a consumer: the sequence up to which all messages
// are settled. The error is ErrNoKey when no floor is stored.
func (c *Conn) Floor(ctx context.Context, name string) (uint64, error) {
	f, _, err := c.readFloor(ctx, name)
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, ErrNoKey
	}
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return 0, err
	}
	at, _ := position{floor: f, stream: st.CachedInfo().Created, last: st.CachedInfo().State.LastSeq}.settled()
	return at, nil
}

// held returns a sentence for each consumer that stands still, from the notes of workers.
func (c *Conn) held(ctx context.Context) (problems []string) {
	keys, err := c.State().Keys(ctx, heldPrefix)
	if err != nil && !errors.Is(err, ErrNoState) {
		return []string{"consumers that stand still are unknown: " + err.Error()}
	}
	for _, key := range keys {
		if why, _, err := c.State().Get(ctx, key); err == nil {
			problems = append(problems, "consumer "+strings.TrimPrefix(key, heldPrefix)+" stands still: "+string(why))
		}
	}
	return problems
}
