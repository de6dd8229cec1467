package stream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// sweep ends the waits that have timed out, and nudges the senders whose message is due
// for another try: all of them when the connection is back. sweep never waits for
// nats.go.
func (a *acks) sweep(changes <-chan nats.Status) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			a.look(func(w *waiter, now time.Time) bool { return now.After(w.nudge) })
		case status, open := <-changes:
			switch {
			case !open || status == nats.CLOSED:
				a.close()
			case status == nats.CONNECTED:
				a.up.Store(true)
				a.look(func(*waiter, time.Time) bool { return true })
			default:
				a.down()
			}
		case <-a.done:
			return
		}
	}
}

// look ends or nudges each waiter that is due.
func (a *acks) look(due func(w *waiter, now time.Time) bool) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.waiting {
		switch {
		case now.After(w.expires):
			a.end(w, nats.ErrTimeout)
		case w.repeatable && !w.nudge.IsZero() && due(w, now):
			w.nudge = time.Time{} // a second nudge would find no room
			w.news <- news{err: errNudge}
		}
	}
}

// down notes the loss of the connection. The answers that were on their way are lost.
func (a *acks) down() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.up.Swap(false) {
		a.lost = time.Now()
	}
	for _, w := range a.waiting {
		if !w.repeatable {
			a.end(w, errDisconnected)
		}
	}
}

// end removes w. The channel has room for the last piece of news.
func (a *acks) end(w *waiter, err error) {
	delete(a.waiting, w.id)
	w.news <- news{err: err}
}

// close ends all waits and releases the subscription. A second call does nothing.
func (a *acks) close() {
	if a.shut() {
		_ = a.sub.Unsubscribe() // fails only on a closed connection, which has no subscriptions
	}
}

func (a *acks) shut() (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.closed = true
	a.up.Store(false)
	close(a.done)
	for _, w := range a.waiting {
		a.end(w, errDisconnected)
	}
	return true
}
