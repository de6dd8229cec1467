package stream

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// A ReplayConsumer hands out the messages of a replay, up to its end.
type ReplayConsumer struct {
	Consumer
	end uint64
	// past is set when a message beyond the end has come: what is left then are
	// messages that come again.
	past atomic.Bool
}

// OpenReplay opens a replay, to be shared with every other process that does.
func (c *Conn) OpenReplay(ctx context.Context, r *Replay) (*ReplayConsumer, error) {
	cons, err := c.js.Consumer(ctx, Name, replayPrefix+r.ID)
	if err != nil {
		return nil, replayError(r.ID, err)
	}
	return &ReplayConsumer{Consumer: Consumer{name: replayPrefix + r.ID, nc: c.nc, consumer: cons}, end: r.End}, nil
}

// Near the end of a replay few messages are asked for, and slowly: the server
// sends those that come again first, and then what nobody wants.
const (
	pastMessages = 100
	pastPause    = time.Second
)

// Fetch is Consumer.Fetch without the messages beyond the end: those are
// acknowledged unseen. It returns none when the replay is deleted, and the
// caller learns of that in another way.
func (c *ReplayConsumer) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	if c.past.Load() {
		l.Messages = min(l.Messages, pastMessages)
	}
	attempts, err := c.Consumer.Fetch(ctx, l)
	if isGone(err) {
		rest(ctx)
		return nil, ctx.Err()
	}
	wanted := attempts[:0]
	for _, a := range attempts {
		if a.Sequence <= c.end {
			wanted = append(wanted, a)
			continue
		}
		c.past.Store(true)
		_ = a.Settle.Ack() // one that is lost comes again
	}
	if len(wanted) == 0 && len(attempts) > 0 {
		rest(ctx)
	}
	return wanted, err
}

func rest(ctx context.Context) {
	select {
	case <-time.After(pastPause):
	case <-ctx.Done():
	}
}
