package worker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// DefaultSuppressionLimit is the usual limit of suppressions that bounces cause, per
// hour and workspace. A list with more dead addresses than 1,000 is either an old
// import, or a mistake of a mail server that says "no such user" of everybody.
const DefaultSuppressionLimit = 1_000

// MaxSuppressionLimit keeps the value in the bucket below 600 kB, of 12 bytes per
// suppression. NATS accepts messages of up to 1 MiB.
const MaxSuppressionLimit = 50_000

// A SuppressionLimit bounds the suppressions that bounces cause in a workspace. All
// workers count together.
type SuppressionLimit struct {
	// PerHour is the largest number of suppressions in any 60 minutes.
	PerHour   int
	Workspace string
	State     State
}

// window is the time for which a counted suppression uses up the limit.
const window = time.Hour

var (
	errNothingCounted = errors.New("nothing counted")
	errNotCounted     = errors.New("suppressions not counted")
)

// admit counts the suppressions of the messages. The result has an error for each
// message whose suppression must not be performed now. A permanent fault means that the
// limit is reached; any other error means that admit could not count.
//
// The bucket remembers the events that were counted, and not only their number: a retry
// of an event, by whichever worker, must not count again. A batch costs a read, and a
// write if the batch has new events.
func (l *SuppressionLimit) admit(ctx context.Context, batch []event.Attempt, messages []int) map[int]error {
	if len(messages) == 0 {
		return nil
	}
	var held []int
	err := l.State.Change(ctx, "suppressions."+l.Workspace, func(value []byte) ([]byte, error) {
		g := parseGrants(value, time.Now())
		before := len(g.at)
		held = nil
		for _, i := range messages {
			if !g.admit(eventHash(&batch[i].Message), l.PerHour) {
				held = append(held, i)
			}
		}
		if len(g.at) == before {
			return nil, errNothingCounted
		}
		return g.encode(), nil
	})
	errs := map[int]error{}
	if err != nil && !errors.Is(err, errNothingCounted) {
		for _, i := range messages {
			errs[i] = fmt.Errorf("%w: %w", errNotCounted, err)
		}
		return errs
	}
	for _, i := range held {
		errs[i] = fault.Permanent(fault.ReasonHeldSuppression, fmt.Errorf(
			"suppression held: bounces have caused %d suppressions within an hour (SUPPRESSION_LIMIT); "+
				"if the bounces are right, run cioctl dead redrive --reason %s", l.PerHour, fault.ReasonHeldSuppression))
	}
	return errs
}

// grants are the suppressions of the last hour.
type grants struct {
	now time.Time
	at  map[uint64]uint32 // the time in unix seconds, by the hash of the event
}

// grantSize is the size of an encoded grant in bytes.
const grantSize = 12

// parseGrants returns the grants that are still in the window.
func parseGrants(value []byte, now time.Time) grants {
	g := grants{now: now, at: make(map[uint64]uint32, len(value)/grantSize)}
	for ; len(value) >= grantSize; value = value[grantSize:] {
		hash, at := binary.BigEndian.Uint64(value), binary.BigEndian.Uint32(value[8:])
		if now.Sub(time.Unix(int64(at), 0)) < window {
			g.at[hash] = at
		}
	}
	return g
}

// admit reports whether the event may suppress, and counts the event once.
func (g grants) admit(hash uint64, limit int) bool {
	if _, counted := g.at[hash]; counted {
		return true
	}
	if len(g.at) >= limit {
		return false
	}
	g.at[hash] = uint32(g.now.Unix()) //nolint:gosec // until the year 2106
	return true
}

func (g grants) encode() []byte {
	value := make([]byte, 0, len(g.at)*grantSize)
	for hash, at := range g.at {
		value = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(value, hash), at)
	}
	return value
}

// eventHash identifies an event of a workspace. Of 50,000 events, two have the same hash
// with a probability of 1 in 15 billion.
func eventHash(m *event.Message) uint64 {
	sum := sha256.Sum256([]byte(m.ID + ":" + m.Metric))
	return binary.BigEndian.Uint64(sum[:])
}
