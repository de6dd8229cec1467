package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoStream reports that somebody has deleted the stream that a call reads or waits
// for. A stream of the same name that was created meanwhile is another stream.
var ErrNoStream = errors.New("is not there: somebody has deleted the stream")

func noStream(name string) error { return fmt.Errorf("stream %s %w", name, ErrNoStream) }

// lookEvery is the pause between two looks at a stream that is being read.
const lookEvery = time.Second

// watchStream calls end when the stream is deleted or the connection closed for good,
// and returns after that or when ctx ends. The ordered consumer of nats.go would wait
// for ever.
func (c *Conn) watchStream(ctx context.Context, name string, end context.CancelCauseFunc) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	var created time.Time
	for {
		st, err := c.lookUp(ctx, name)
		if err == nil && created.IsZero() {
			created = st.CachedInfo().Created
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && !st.CachedInfo().Created.Equal(created) {
			end(noStream(name))
			return
		}
		select {
		case <-t.C:
		case <-c.lost:
			end(c.WaitClosed(ctx))
			return
		case <-ctx.Done():
			return
		}
	}
}
