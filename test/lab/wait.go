package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// Pause waits for d and reports whether ctx is still alive.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// poll is the time between two checks of WaitFor.
const poll = 20 * time.Millisecond

// WaitFor calls check every 20 ms until check returns nil. On timeout the error names
// the goal and wraps the last error of check.
func WaitFor(ctx context.Context, goal string, within time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := check()
	for err != nil {
		if !Pause(ctx, poll) {
			return fmt.Errorf("wait until %s: not within %v: %w", goal, within, err)
		}
		err = check()
	}
	return nil
}

// startWithin bounds the start of a program.
const startWithin = 30 * time.Second

// StartReady starts the process and waits until the program reports that it is
// ready, 30 s at most.
func (p *Process) StartReady(ctx context.Context) error {
	if err := p.Start(); err != nil {
		return err
	}
	return WaitFor(ctx, p.Name+" is ready", startWithin, func() error { return p.Ready(ctx) })
}

// Ready returns nil when the program reports that it is ready, and its reason otherwise.
func (p *Process) Ready(ctx context.Context) error {
	_, err := Get(ctx, "http://"+p.Admin+"/readyz")
	return err
}

// StartListening starts the process and waits until its Addr accepts connections,
// 30 s at most.
func (p *Process) StartListening(ctx context.Context) error {
	if err := p.Start(); err != nil {
		return err
	}
	return WaitFor(ctx, p.Name+" accepts connections", startWithin, func() error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// A Backlog counts the work that consumers have left.
type Backlog struct {
	// Lag counts the messages that are not handled.
	Lag uint64
	// Consumers counts the consumers that exist, Begun the consumers that have
	// acknowledged a message.
	Consumers, Begun int
}

// Backlog returns the backlog of the named consumers, or of all consumers without
// names.
func (c *Client) Backlog(ctx context.Context, consumers ...string) (Backlog, error) {
	s, err := c.Status(ctx)
	if err != nil {
		return Backlog{}, err
	}
	var b Backlog
	for _, consumer := range s.Consumers {
		if len(consumers) > 0 && !slices.Contains(consumers, consumer.Name) {
			continue
		}
		b.add(consumer)
	}
	return b, nil
}

func (b *Backlog) add(c stream.ConsumerStatus) {
	b.Lag += c.Lag
	b.Consumers++
	if c.LastAck != nil {
		b.Begun++
	}
}

var errBacklog = errors.New("the consumers have work left")

// Drained returns nil when at least the given number of consumers exist and no
// consumer has work left.
func (c *Client) Drained(ctx context.Context, consumers int) error {
	b, err := c.Backlog(ctx)
	if err == nil && (b.Consumers < consumers || b.Lag > 0) {
		err = fmt.Errorf("%w: %d consumers of %d, lag %d", errBacklog, b.Consumers, consumers, b.Lag)
	}
	return err
}

// WaitHandled waits until a consumer has handled every message of the stream. A
// consumer without an acknowledgement does not count, because the consumer may not
// have seen the messages.
func (c *Client) WaitHandled(ctx context.Context, within time.Duration, consumer string) error {
	return WaitFor(ctx, consumer+" has handled everything", within, func() error {
		b, err := c.Backlog(ctx, consumer)
		if err == nil && (b.Begun == 0 || b.Lag > 0) {
			err = fmt.Errorf("%w: lag %d", errBacklog, b.Lag)
		}
		return err
	})
}

// NoDeadLetters returns an error when there are dead letters.
func (c *Client) NoDeadLetters(ctx context.Context) error {
	s, err := c.Status(ctx)
	if err == nil && len(s.Dead) > 0 {
		err = fmt.Errorf("there are dead letters: %+v", s.Dead)
	}
	return err
}
