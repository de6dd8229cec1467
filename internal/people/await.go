package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// pollEvery is the pause between two looks at the consumers.
const pollEvery = 500 * time.Millisecond

// A BehindError reports consumers of warehouses that have not come far enough in time.
type BehindError struct {
	Wait      time.Duration
	Consumers []stream.Position
}

func (e *BehindError) Error() string {
	names := []string{}
	for _, c := range e.Consumers {
		names = append(names, fmt.Sprintf("%s (%d messages left)", c.Consumer, c.Lag))
	}
	return fmt.Sprintf("after %s consumer %s has not passed the messages from before the request; is a worker running (cioctl status)? Run the command again to go on",
		e.Wait, strings.Join(names, ", "))
}

// await waits until every worker honours marks of an age, and then until every consumer and every
// replay has settled the messages that are stored now: no row of the persons is on its way
// then. A consumer without a warehouse that is late does not matter here: the stream keeps
// its messages.
func (p *People) await(ctx context.Context, age time.Duration) error {
	all, _, err := p.cfg.Conn.Positions(ctx)
	if err != nil {
		return err
	}
	if wait := p.cfg.Settle - age; wait > 0 && slices.ContainsFunc(all, func(at stream.Position) bool { return isWarehouse(at.Target) }) {
		p.cfg.Step("wait until the workers know")
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return p.pass(ctx, func(stream.Position) bool { return true })
}

// CatchUp waits until Config.Warehouses have every message that is stored now. Before that,
// Resolve may not know an identifier of a person, or another person with the same address.
// The error is a BehindError after Config.Wait.
func (p *People) CatchUp(ctx context.Context) error {
	return p.pass(ctx, func(at stream.Position) bool {
		return slices.ContainsFunc(p.cfg.Warehouses, func(w Warehouse) bool { return w.Consumer == at.Target })
	})
}

// pass waits until the chosen consumers have settled the messages that are stored now.
func (p *People) pass(ctx context.Context, chosen func(stream.Position) bool) error {
	all, last, err := p.cfg.Conn.Positions(ctx)
	progress := p.cfg.Step("wait for the consumers")
	end := time.Now().Add(p.cfg.Wait)
	var most uint64
	for ; err == nil; all, _, err = p.cfg.Conn.Positions(ctx) {
		behind, left := behind(slices.DeleteFunc(all, func(at stream.Position) bool { return !chosen(at) }), last)
		if most = max(most, left); progress != nil {
			progress(int64(most-left), int64(most)) //nolint:gosec // no stream has so many messages
		}
		if len(behind) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return late(behind, p.cfg.Wait)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	return err
}

// behind returns the consumers that have not passed a message, and the sum of their lags. A
// missing consumer gets no further.
func behind(all []stream.Position, last uint64) (list []stream.Position, lag uint64) {
	for _, at := range all {
		if !at.Missing && !at.HasPassed(last) {
			list, lag = append(list, at), lag+at.Lag
		}
	}
	return list, lag
}

// late returns an error if a warehouse is behind.
func late(behind []stream.Position, wait time.Duration) error {
	e := &BehindError{Wait: wait}
	for _, at := range behind {
		if isWarehouse(at.Target) {
			e.Consumers = append(e.Consumers, at)
		}
	}
	if len(e.Consumers) == 0 {
		return nil
	}
	return e
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
