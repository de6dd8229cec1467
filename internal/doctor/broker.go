package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// Waits for NATS, which leave the checks some seconds within the limit of Run: for a
// connection, and for the error without one. A try to connect to a silent server goes on
// after the end of its context.
const (
	connectWait = 4 * time.Second
	errorWait   = connectWait + 500*time.Millisecond
)

// A Broker is the connection to NATS that the checks of a run share.
type Broker struct {
	cfg    stream.Config
	stop   context.CancelFunc
	ready  chan struct{} // closed after the fields below are set
	access *stream.Access
	conn   *stream.Conn
	err    error

	once      sync.Once
	status    *stream.Status
	statusErr error
}

// Connect begins to connect to NATS, with the inbox that the user may use. The caller
// closes the Broker.
func Connect(ctx context.Context, cfg stream.Config) *Broker {
	ctx, cancel := context.WithCancel(ctx)
	b := &Broker{cfg: cfg, stop: cancel, ready: make(chan struct{})}
	go func() {
		defer close(b.ready)
		b.access, b.conn, b.err = open(ctx, cfg)
	}()
	return b
}

func open(ctx context.Context, cfg stream.Config) (*stream.Access, *stream.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	access, err := stream.TryAccess(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	cfg.InboxPrefix = access.Inbox
	conn, err := stream.Connect(cfg)
	if err != nil {
		return access, nil, err
	}
	if err := conn.WaitConnected(ctx); err != nil {
		conn.Close()
		return access, nil, err
	}
	return access, conn, nil
}

// Close ends the connection.
func (b *Broker) Close() {
	b.stop()
	go func() {
		<-b.ready
		if b.conn != nil {
			b.conn.Close()
		}
	}()
}

var errSilent = errors.New("no answer")

// wait returns an error unless NATS is connected.
func (b *Broker) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, errorWait)
	defer cancel()
	select {
	case <-b.ready:
		return b.err
	case <-ctx.Done():
		return fmt.Errorf("%w within %v", errSilent, errorWait)
	}
}

// on returns the Look of a check that asks NATS. A refused question has no answer, so the
// check is skipped: the finding about permissions names each that is missing.
func (b *Broker) on(questions []string, look func(context.Context, *stream.Conn) []Verdict) func(context.Context) []Verdict {
	return func(ctx context.Context) []Verdict {
		if b.wait(ctx) != nil {
			return skipped("NATS is not connected")
		}
		if reason := b.access.Refuses(questions); reason != "" {
			return skipped(reason)
		}
		return look(ctx, b.conn)
	}
}

// onStatus is on for a check of the streams and the consumers. All checks share one look.
func (b *Broker) onStatus(questions []string, look func(context.Context, *stream.Status) []Verdict) func(context.Context) []Verdict {
	return b.on(questions, func(ctx context.Context, conn *stream.Conn) []Verdict {
		b.once.Do(func() { b.status, b.statusErr = conn.Status(ctx) })
		if b.statusErr != nil {
			return failed(b.statusErr.Error(), "a missing stream is created by the worker that starts next, or by cioctl stream apply; else look at the findings about nats")
		}
		return look(ctx, b.status)
	})
}

// unasked is the verdict about a question without an answer of NATS.
func unasked(err error) []Verdict {
	return failed(err.Error(), "look at the permissions of the user, and at the log of the NATS servers")
}
