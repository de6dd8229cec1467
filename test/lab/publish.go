package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
)

// NewMessage encodes arrival i of the history as ingest does.
func (h *History) NewMessage(i int) *nats.Msg {
	m := h.Message(i)
	return stream.NewMessage(&m)
}

// Publish publishes n messages and returns when the server has acknowledged all of
// them. The rate is in messages a second; 0 publishes without pauses.
func (c *Client) Publish(ctx context.Context, n int, rate float64, message func(int) *nats.Msg) error {
	begin := time.Now()
	for i := range n {
		if rate > 0 {
			Pause(ctx, time.Until(begin.Add(time.Duration(float64(i)/rate*float64(time.Second)))))
		}
		if _, err := c.JetStream.PublishMsgAsync(message(i), jetstream.WithStallWait(time.Minute)); err != nil {
			return fmt.Errorf("publish message: %w", err)
		}
	}
	select {
	case <-c.JetStream.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.refused:
		return fmt.Errorf("publish message: %w", err)
	default:
		return nil
	}
}
