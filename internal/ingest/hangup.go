package ingest

import (
	"net/http"
	"time"
)

// hangUpEvery is how often watch looks for senders that have hung up. A call that is stored
// usually takes a few milliseconds, so watch looks at calls above hangUpEvery only. The
// publisher looks at a cancelled context once a second.
const hangUpEvery = 250 * time.Millisecond

// watch cancels the context of a call whose sender has hung up, until ended is closed. watch
// replaces the one-byte read that net/http starts during each call for the same purpose: the
// read costs a system call, two deadlines and two changes of goroutines.
func (c *connections) watch(ended <-chan struct{}) {
	tick := time.NewTicker(hangUpEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			c.cancelHungUp(now)
		case <-ended:
			return
		}
	}
}

func (c *connections) cancelHungUp(now time.Time) {
	for _, one := range c.watched(now.Add(-hangUpEvery)) {
		if hungUp(one.raw) {
			one.cancel()
		}
	}
}

// watched returns the connections whose call is being answered since before the time.
func (c *connections) watched(before time.Time) (list []*conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.all {
		if one.unread.Load() && one.since.Load() < before.UnixNano() {
			list = append(list, one)
		}
	}
	return list
}

// leaveToWatch reports whether a read is the one-byte read of net/http during a call, and
// leaves the connection to watch. An active connection reads a body with a deadline, and
// through a buffer. The read may return nothing and no error, and net/http reads no more
// until the answer.
func (c *conn) leaveToWatch(p []byte) bool {
	if len(p) != 1 || c.raw == nil || !c.unbounded.Load() || !c.is(http.StateActive) {
		return false
	}
	c.unread.Store(true)
	return true
}
