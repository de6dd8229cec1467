package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// checkEvery is the pause between two checks of a durable consumer. A check is three
// small requests; the pause bounds how many events are handled twice after somebody
// has deleted or edited the consumer.
const checkEvery = 2 * time.Second

// DurableConfig configures a Durable. Name is required.
type DurableConfig struct {
	// Name is the name of the durable consumer.
	Name string
	// Subjects are the subjects of the events.
	Subjects []string
	// KeepFloor is set for a consumer whose handler must not repeat old events. The
	// position is then kept in CIOEVENTS_STATE, and the consumer never starts over.
	// Otherwise a deleted consumer starts over at the next start of the worker, with the
	// oldest event.
	KeepFloor bool
	// Prepare creates the missing bucket of floors, with PrepareState, before a missing
	// consumer is created: the position of the first consumer would make a new
	// installation look old. Required with KeepFloor.
	Prepare func(context.Context) error
	// MaxAckPending is the largest number of delivered, unsettled messages of all
	// workers. Default DefaultMaxAckPending.
	MaxAckPending int
	// CheckEvery is the pause between two checks. Default 2 s.
	CheckEvery time.Duration
}

// A Durable is the durable consumer of a worker. Run opens, checks and restores the
// consumer. Until the consumer is right, Fetch returns nothing, and Ready gives the
// reason. All processes with the same name share the messages.
type Durable struct {
	conn  *Conn
	state *State
	cfg   DurableConfig
	wake  chan struct{} // asks Run for a check now

	settled memory
	// asked is set after a check at the request of Fetch.
	asked atomic.Bool

	// floor is the sequence up to which all messages were settled at the last check.
	floor atomic.Uint64

	mu   sync.Mutex
	cons *Consumer // nil while the consumer is not right
	err  error     // why

	// The fields below belong to Run.

	known        *floor    // of the last check, nil before
	missingSince time.Time // zero while the consumer is there
	heldAt       time.Time
}

var errNotOpened = errors.New("not opened yet")

// NewDurable returns a Durable that Run opens.
func (c *Conn) NewDurable(cfg DurableConfig) *Durable {
	cfg.CheckEvery = cmp.Or(cfg.CheckEvery, checkEvery)
	return &Durable{conn: c, state: c.State(), cfg: cfg, wake: make(chan struct{}, 1), err: errNotOpened}
}

// Ready returns nil while messages can be fetched, and the cause otherwise. A failed
// check alone stops nothing.
func (d *Durable) Ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cons == nil {
		return fmt.Errorf("consumer %s: %w", d.cfg.Name, d.err)
	}
	return nil
}

// Run opens the consumer, checks the consumer until ctx ends, and then stores the
// position a last time. The caller ends ctx when its handlers have finished.
func (d *Durable) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := errNotConnected
		if d.conn.nc.IsConnected() {
			err = d.conn.tryOnce(ctx, d.check)
		}
		wait := d.cfg.CheckEvery
		if !d.note(ctx, err) {
			wait = min(wait, retryWait)
		}
		select {
		case <-time.After(wait):
			d.asked.Store(false)
		case <-d.wake:
			d.asked.Store(true)
		case <-ctx.Done():
		}
	}
	if d.cfg.KeepFloor && d.Ready() == nil && d.conn.nc.IsConnected() {
		_ = d.conn.tryOnce(context.WithoutCancel(ctx), d.check) // after an error an older floor remains, and an older floor is safe
	}
}

// note records the result of a check, logs a new result, and reports whether the
// consumer is right.
func (d *Durable) note(ctx context.Context, err error) bool {
	if err != nil && ctx.Err() != nil {
		return false
	}
	d.mu.Lock()
	before := d.err
	d.err = err
	if isHeld(err) {
		d.cons = nil
	}
	d.mu.Unlock()
	switch {
	case err == nil && before != nil && !errors.Is(before, errNotOpened):
		d.conn.log.Info().Str("consumer", d.cfg.Name).Msg("consumer is in order again")
	case err == nil, before != nil && before.Error() == err.Error(), errors.Is(err, errNotConnected):
	case errors.Is(err, errStandsStill):
		d.conn.log.Error().Err(err).Str("consumer", d.cfg.Name).Msg("consumer stands still")
	default:
		d.conn.log.Warn().Err(err).Str("consumer", d.cfg.Name).Msg("consumer not checked, retrying")
	}
	return err == nil
}

// suspend stops fetching until the next check, and asks for the check.
func (d *Durable) suspend(err error) {
	d.mu.Lock()
	d.cons, d.err = nil, err
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Durable) opened() *Consumer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cons
}

// fetchPause is the wait of a fetch from a missing or wrong consumer.
const fetchPause = 100 * time.Millisecond

var (
	errGone  = errors.New("somebody has deleted the consumer, or it has no leader")
	errOlder = errors.New("the consumer delivers messages that were settled before")
)

// Fetch is Consumer.Fetch, and returns nothing while the consumer is missing or wrong.
func (d *Durable) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	cons := d.opened()
	if cons == nil {
		select {
		case <-time.After(fetchPause):
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	}
	attempts, err := cons.Fetch(ctx, l)
	if isGone(err) {
		d.suspend(errGone)
		return nil, ctx.Err()
	}
	if !d.cfg.KeepFloor || len(attempts) == 0 {
		return attempts, err
	}
	return d.unsettled(attempts), ctx.Err()
}

// unsettled returns the attempts at unsettled messages. The server repeats settled
// messages only after somebody has moved the consumer. The next check finds out whether
// an operator wants the repetition; the server then delivers the messages again.
func (d *Durable) unsettled(attempts []event.Attempt) []event.Attempt {
	if d.isOlder(attempts) {
		d.suspend(errOlder)
		for i := range attempts {
			_ = attempts[i].Settle.Retry(retryWait)
		}
		return nil
	}
	wanted := attempts[:0]
	for i := range attempts {
		if d.settled.has(keyOf(&attempts[i])) {
			_ = attempts[i].Settle.Ack() // after a lost ack, the server redelivers the message
			continue
		}
		wanted = append(wanted, attempts[i])
	}
	d.settled.remember(wanted)
	return wanted
}

// isOlder reports whether the consumer repeats settled messages and no check has
// approved the repetition.
func (d *Durable) isOlder(attempts []event.Attempt) bool {
	floor, asked := d.floor.Load(), d.asked.Load()
	for i := range attempts {
		if attempts[i].Sequence <= floor || !asked && d.settled.has(keyOf(&attempts[i])) {
			return true
		}
	}
	return false
}
