package stream

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// A Position is how far a consumer or a replay has come.
type Position struct {
	// Consumer is the name of the consumer. Target is the consumer whose handler gets the
	// events: another one in a replay.
	Consumer, Target string
	// Store is the warehouse of the consumer, without an ID for none.
	Store Store
	// Lag counts the unsettled messages.
	Lag uint64
	// Missing is set when the consumer does not exist at the moment.
	Missing bool

	filters   []string
	end       uint64 // of a replay; no message beyond end is wanted
	floor     uint64 // all messages up to floor are settled
	delivered uint64 // the last delivered message
	inFlight  bool   // delivered messages are unsettled
}

// HasSettled reports whether the consumer has settled a message of its subject, or never
// gets the message. In doubt the message is unsettled.
func (p *Position) HasSettled(sequence uint64, subject string) bool {
	isOthers := len(p.filters) > 0 && !slices.ContainsFunc(p.filters, func(f string) bool { return matches(f, subject) })
	return isOthers || p.end > 0 && sequence > p.end || p.isBehind(sequence)
}

// HasPassed reports whether all messages up to a sequence are settled.
func (p *Position) HasPassed(sequence uint64) bool {
	if p.end > 0 {
		sequence = min(sequence, p.end)
	}
	return p.isBehind(sequence) || !p.Missing && p.Lag == 0
}

// isBehind reports whether a message of the consumer's subjects lies behind the position.
// Lag does not tell: the server counts a new message a little later.
func (p *Position) isBehind(sequence uint64) bool {
	return sequence <= p.floor || !p.inFlight && sequence <= p.delivered
}

// Positions returns the position of every durable consumer and replay, sorted by name, and
// the sequence of the last message. A missing consumer whose position is kept in
// CIOEVENTS_STATE counts: a worker recreates the consumer.
func (c *Conn) Positions(ctx context.Context) (list []Position, last uint64, err error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, 0, err
	}
	infos, err := durables(ctx, st)
	if err != nil {
		return nil, 0, err
	}
	for _, info := range infos {
		list = append(list, positionOf(info))
	}
	missing, err := c.missingPositions(ctx, list)
	return append(list, missing...), st.CachedInfo().State.LastSeq, err
}

func positionOf(info *jetstream.ConsumerInfo) Position {
	p := Position{
		Consumer: info.Name, Target: info.Name, Store: storeOf(info.Config.Metadata), Lag: lagOf(info),
		filters: filtersOf(&info.Config), floor: info.AckFloor.Stream, delivered: info.Delivered.Stream, inFlight: info.NumAckPending > 0,
	}
	if isReplay(info) {
		r := replayOf(info)
		p.Target, p.end = r.Target, r.End
		if r.Done {
			p.floor, p.Lag = r.End, 0
		}
	}
	return p
}

// missingPositions returns the floors without a consumer. A consumer that has never existed
// has no claim: nobody may run its worker.
func (c *Conn) missingPositions(ctx context.Context, have []Position) (list []Position, err error) {
	keys, err := c.State().Keys(ctx, floorPrefix)
	if err != nil && !errors.Is(err, ErrNoState) {
		return nil, err
	}
	for _, key := range keys {
		name := strings.TrimPrefix(key, floorPrefix)
		if slices.ContainsFunc(have, func(p Position) bool { return p.Consumer == name }) {
			continue
		}
		f, _, err := c.readFloor(ctx, name)
		if err != nil {
			return nil, err
		}
		if f != nil && !f.Fresh {
			list = append(list, Position{Consumer: name, Target: name, floor: f.Sequence, Missing: true})
		}
	}
	return list, nil
}
