package stream

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// A ReplayConsumer fetches the messages of a replay, up to the end of the replay.
type ReplayConsumer struct {
	Consumer
	end uint64
	// past is set after a message beyond the end: from then on, messages of the
	// replay are redeliveries only.
	past atomic.Bool
}

// OpenReplay opens a replay. All processes that open the replay share its messages.
func (c *Conn) OpenReplay(ctx context.Context, r *Replay) (*ReplayConsumer, error) {
	cons, err := c.js.Consumer(ctx, Name, replayPrefix+r.ID)
	if err != nil {
		return nil, replayError(r.ID, err)
	}
	return &ReplayConsumer{Consumer: Consumer{name: replayPrefix + r.ID, nc: c.nc, consumer: cons}, end: r.End}, nil
}

// Past the end of a replay, a fetch asks for few messages and pauses between fetches:
// the server sends redeliveries first, and then messages beyond the end.
const (
	pastMessages = 100
	pastPause    = time.Second
)

// Fetch is Consumer.Fetch without the messages beyond the end: Fetch acknowledges
// such messages itself. For a deleted replay, Fetch returns no messages and no
// error; the caller detects the deletion by Conn.Replays.
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
		_ = a.Settle.Ack() // after a lost ack, the server redelivers the message
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
