package stream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// sweep ends the waits that have timed out, and nudges the senders whose message is due
// for another try.
func (a *acks) sweep(broken <-chan nats.Status) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			a.look(false)
		case _, open := <-broken:
			if !open {
				broken = nil // the connection is closed
			}
			a.look(true)
		case <-a.done:
			return
		}
	}
}

// look looks at every waiter. When the connection was lost, no answer to an earlier try
// arrives any more, and every message is due.
func (a *acks) look(lost bool) {
	now, connected := time.Now(), a.nc.IsConnected()
	a.mu.Lock()
	defer a.mu.Unlock()
	if connected {
		a.lost = time.Time{}
	} else if a.lost.IsZero() {
		a.lost = now
	}
	for _, w := range a.waiting {
		switch {
		case now.After(w.expires):
			a.end(w, nats.ErrTimeout)
		case lost && !w.repeatable:
			a.end(w, errDisconnected)
		case w.repeatable && !w.nudge.IsZero() && (lost || now.After(w.nudge)):
			w.nudge = time.Time{} // a second nudge would find no room
			w.news <- news{err: errNudge}
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
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.closed = true
	close(a.done)
	for _, w := range a.waiting {
		a.end(w, errDisconnected)
	}
	_ = a.sub.Unsubscribe() // fails only on a closed connection, which has no subscriptions
}
