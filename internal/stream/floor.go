package stream

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A floor says how far a consumer with irreversible effects has come: all messages up
// to Sequence are settled. Floors are kept beside the stream, in CIOEVENTS_STATE, and
// outlive the consumer.
type floor struct {
	// Stream is the time at which the stream was created. The sequences of another
	// stream of the same name begin again.
	Stream time.Time `json:"stream"`
	// Sequence is 0 before the first message.
	Sequence uint64 `json:"floor"`
	// Fresh is set in a floor from the creation of the bucket, for a missing consumer. A
	// worker that has settled more messages corrects the floor.
	Fresh bool `json:"fresh,omitempty"`
	// Lost is set in a floor from the creation of the bucket, for a missing consumer of
	// an old installation: nobody knows how far the consumer has come.
	Lost bool `json:"lost,omitempty"`
	// Started is the time of the operator's last command that has chosen a floor. Zero
	// without a command.
	Started time.Time `json:"started_at,omitzero"`
	// Replaces is the time of creation of the consumer that the operator's command
	// deletes. Until the deletion the consumer's position does not count. Zero
	// otherwise.
	Replaces time.Time `json:"replaces,omitzero"`
}

func (f *floor) equal(g *floor) bool {
	return f.Stream.Equal(g.Stream) && f.Sequence == g.Sequence && f.Fresh == g.Fresh && f.Started.Equal(g.Started) && f.Replaces.Equal(g.Replaces)
}

// Keys in the bucket.
const (
	floorPrefix = "floor."
	// floorsKey exists since all floors of the first workers are stored. Without the
	// key, a missing floor may be a lost floor.
	floorsKey = "floors"
)

func parseFloor(value []byte) (*floor, error) {
	f := &floor{}
	if err := json.Unmarshal(value, f); err != nil {
		return nil, fmt.Errorf("read floor: %w", err)
	}
	return f, nil
}

func (f *floor) json() []byte {
	text, _ := json.Marshal(f) //nolint:errchkjson // Times of this century and a number.
	return text
}

// A verdict is the next step for a consumer.
type verdict int

const (
	keepConsumer   verdict = iota // the position is right
	createConsumer                // after the floor
	resetConsumer                 // to the floor
	adoptConsumer                 // the position becomes the floor
	judgeMissing                  // neither consumer nor floor
	beingReplaced                 // an operator's command has not deleted the consumer yet
	foreignStart                  // created by hand, beyond the floor
	restoredStream                // history of another stream, without its consumers
)

// A position is the input of a verdict.
type position struct {
	stream time.Time // creation time of the stream
	last   uint64    // last sequence of the stream
	copied bool      // the stream has messages from before its creation: a backup
	floor  *floor    // nil when unknown
	seen   *floor    // of this worker's last check, nil before
	// noState is the error of a bucket that cannot be used: floor is then unknown.
	noState error
	have    *jetstream.ConsumerInfo
}

// judge returns the verdict, and the floor from which the consumer goes on.
func (p position) judge() (verdict, uint64) {
	settled, known := p.settled()
	if p.have == nil {
		switch {
		case !known:
			return judgeMissing, 0
		case p.copied && (p.floor == nil || !p.floor.Stream.Equal(p.stream)):
			return restoredStream, 0
		default:
			return createConsumer, settled
		}
	}
	at := p.have.AckFloor.Stream
	switch {
	case p.best() == nil || !p.best().Stream.Equal(p.stream):
		if startsBeyond(p.have.Config, at) {
			return foreignStart, 0
		}
		return adoptConsumer, at
	case p.floor != nil && !p.floor.Replaces.IsZero() && p.floor.Replaces.Equal(p.have.Created):
		return beingReplaced, settled
	case startsBeyond(p.have.Config, settled):
		return foreignStart, settled
	case at < settled:
		return resetConsumer, settled
	default:
		return keepConsumer, at
	}
}

// best returns the stored floor, or without one the floor of this worker's last check.
func (p position) best() *floor {
	if p.floor == nil {
		return p.seen
	}
	return p.floor
}

// clockSkew bounds the difference between the clocks of the servers.
const clockSkew = time.Minute

// isCopied reports whether a stream has messages from before its creation. Such a stream
// was restored from a backup, and its messages were handled before.
func isCopied(info *jetstream.StreamInfo) bool {
	return info.State.Msgs > 0 && info.State.FirstTime.Before(info.Created.Add(-clockSkew))
}

// settled returns the sequence up to which all messages are settled. A stream shorter
// than the floor has lost the end of the stream: the next message is new. This worker's
// last check counts after somebody has deleted the bucket.
func (p position) settled() (sequence uint64, known bool) {
	if p.floor == nil && p.seen == nil {
		return 0, false
	}
	list := []*floor{p.floor}
	if p.floor == nil || p.floor.Fresh {
		list = append(list, p.seen)
	}
	for _, f := range list {
		if f != nil && f.Stream.Equal(p.stream) { // otherwise the floor of another stream
			sequence = max(sequence, f.Sequence)
		}
	}
	return min(sequence, p.last), true
}

// startsBeyond reports whether the start of a consumer leaves out messages above the
// floor. No worker creates such a consumer.
func startsBeyond(cfg jetstream.ConsumerConfig, settled uint64) bool {
	switch cfg.DeliverPolicy {
	case jetstream.DeliverAllPolicy:
		return false
	case jetstream.DeliverByStartSequencePolicy:
		return cfg.OptStartSeq > settled+1
	default:
		return true
	}
}
