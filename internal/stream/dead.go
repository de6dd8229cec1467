package stream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
)

// StoreDeadLetter stores a dead letter and returns when it is durable. A body that is
// larger than one message is stored in parts, so that nothing of it is lost.
func (p *Publisher) StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error {
	subject := deadSubject(d.From, d.Reason)
	header := deadHeader(d)
	size := p.MaxBody()
	parts := max(1, (len(d.Body)+size-1)/size)
	for i := range parts {
		if parts > 1 {
			header[headerPart] = []string{fmt.Sprintf("%d/%d", i+1, parts)}
			header[nats.MsgIdHdr] = []string{fmt.Sprintf("%s:%d", deadID(d), i+1)}
		}
		body := d.Body[i*size : min((i+1)*size, len(d.Body))]
		if _, err := p.publish(ctx, subject, header, body, DeadName); err != nil {
			return fmt.Errorf("store dead letter: %w", err)
		}
	}
	return nil
}
