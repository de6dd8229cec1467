package ingest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// A rank is the order in which connections make room. Strangers cost nothing to lose,
// so they go first. A load balancer may be sending a call on an idle connection just as
// the connection ends, and answers 502 then; so a connection that has carried a signed
// call goes last, and only if no room is left.
type rank int

const (
	// rankStranger has not carried a signed call. It waits for a request, or has
	// waited for its first header for longer than patience.
	rankStranger rank = iota
	// rankSlow has not carried a signed call either, and has waited for the body of
	// a call for longer than patience.
	rankSlow
	// rankSigned has carried a signed call, and waits for the next.
	rankSigned
	rankStays
)

// patience is how long a new connection or a call may take to arrive before the
// connection must make room: TLS takes up to three round trips. While the limit stays
// reached, the patience with connections without a byte shrinks to minPatience, because
// thousands of silent connections would hold up a call that waits behind them. A sender's
// first bytes come at once, and have come before a connection leaves a long queue.
const (
	patience    = 250 * time.Millisecond
	minPatience = 10 * time.Millisecond
)

// A pressure is the time in which the limit is reached again and again, with pauses
// shorter than patience, and three quarters of the limit stay open. The goroutine of Accept owns
// the pressure.
type pressure struct{ since, last time.Time }

func (c *connections) notePressure(now time.Time) {
	p := &c.pressure
	if now.Sub(p.last) > patience || c.open.Load() <= c.limit*3/4 {
		p.since, p.last = now, now
	}
	if c.full() {
		p.last = now
	}
}

// patience returns the patience with a connection.
func (c *conn) patience() time.Duration {
	if p := &c.owner.pressure; !c.heard.Load() {
		return max(patience-p.last.Sub(p.since), minPatience)
	}
	return patience
}

func (c *conn) rank(now time.Time) rank {
	signed, idle := c.signed.Load(), c.is(http.StateIdle)
	prompt := now.UnixNano()-c.since.Load() < int64(c.patience())
	switch {
	case c.leaving.Load():
		return rankStays // until it has ended
	case signed && idle:
		return rankSigned
	case signed, !idle && prompt:
		return rankStays
	case idle, c.is(http.StateNew):
		return rankStranger
	default:
		return rankSlow
	}
}

// lookEvery is the shortest time between two looks at all connections, which take some
// 100 µs each.
const lookEvery = 10 * time.Millisecond

// A queue is the connections that can leave, in their order, as of a look at all
// connections. It belongs to the goroutine of Accept.
type queue struct {
	list   []candidate
	looked time.Time
}

type candidate struct {
	*conn
	rank  rank
	since int64
}

// makeRoom asks a connection to leave, if one can: a stranger or, if last is higher, a
// connection of another rank. A busy connection stays: its header is complete, and its
// body is signed, or is still expected to arrive.
func (c *connections) makeRoom(last rank) {
	now := time.Now()
	for {
		one, ok := c.candidate(now, last)
		if !ok {
			return
		}
		if one.conn.rank(now) == one.rank && one.conn.since.Load() == one.since {
			one.leave()
			c.left(one.rank == rankSigned)
			return
		}
	}
}

// candidate removes the next candidate from the queue. Strangers come first, so only a
// queue that has run out of strangers can have missed newer ones. A sender leaves only
// by a new look.
func (c *connections) candidate(now time.Time, last rank) (next candidate, ok bool) {
	q := &c.queue
	if (len(q.list) == 0 || q.list[0].rank > rankStranger) && now.Sub(q.looked) >= lookEvery {
		c.look(now)
	}
	if len(q.list) == 0 || q.list[0].rank > last || q.list[0].rank == rankSigned && q.looked != now {
		return next, false
	}
	next, q.list[0], q.list = q.list[0], candidate{}, q.list[1:]
	return next, true
}

// look fills the queue.
func (c *connections) look(now time.Time) {
	list := c.list[:0]
	c.mu.Lock()
	for one := range c.all {
		if r := one.rank(now); r < rankStays {
			list = append(list, candidate{one, r, one.since.Load()})
		}
	}
	c.mu.Unlock()
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.since, b.since))
	})
	c.queue = queue{list, now}
}
