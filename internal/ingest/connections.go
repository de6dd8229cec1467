package ingest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// connections bounds the number of open connections.
//
// A connection above the limit is not refused. An idle connection makes room, see
// makeRoom. If all connections are busy, the new connection waits in the kernel's queue
// until another connection ends. Customer.io waits an hour after a refused or reset
// connection, but only for its ordinary back-off after a connection without an answer in
// time.
type connections struct {
	limit int64
	// open is the number of open connections, going the number of those among them that
	// were asked to leave.
	open, going atomic.Int64
	freed       chan struct{} // wakes a waiting Accept, with room for a single signal
	tls         *tls.Config   // nil without TLS
	// waiting, leaving and files have a line a minute at most, handshakes a few a second.
	waiting, leaving, files, handshakes zerolog.Logger
	// refused counts and logs an answer that the routes did not give.
	refused func(outcome)
	evicted evictions

	mu  sync.Mutex
	all map[*conn]struct{}
	queue
	pressure pressure
}

func newConnections(limit int, log zerolog.Logger) *connections {
	return &connections{
		limit:      int64(limit),
		freed:      make(chan struct{}, 1),
		waiting:    rarely(log),
		leaving:    rarely(log),
		files:      rarely(log),
		handshakes: sparing(log),
		all:        map[*conn]struct{}{},
	}
}

// crowded reports whether more than three quarters of the limit are in use. Each
// answer then closes its connection, and Accept asks idle connections to leave, which
// keeps them out of the last quarter.
func (c *connections) crowded() bool { return c.taken() > c.limit*3/4 }

func (c *connections) full() bool { return c.taken() >= c.limit }

// taken is the number of places that connections take. A connection that was asked to
// leave has left its place: net/http closes the connection half a second after the answer
// to half a body. Up to a quarter of the limit may be open in excess.
func (c *connections) taken() int64 { return c.open.Load() - min(c.going.Load(), c.limit/4) }

func (c *connections) add(nc net.Conn) *conn {
	added := &conn{owner: c, raw: rawConn(nc)}
	added.Conn = &wire{newLazyConn(nc), added}
	if c.tls != nil {
		added.Conn = tls.Server(added.Conn, c.tls)
	}
	added.become(http.StateNew)
	c.mu.Lock()
	c.all[added] = struct{}{}
	c.mu.Unlock()
	c.open.Add(1)
	return added
}

// left counts and logs a connection that was asked to leave.
func (c *connections) left(signed bool) {
	c.evicted.count(signed)
	c.leaving.Warn().Int64("open", c.open.Load()).Int64("limit", c.limit).
		Msg("many open connections: those that wait longest are closed, first those without a signed call")
}

// state is the HTTP server's ConnState hook.
func (c *connections) state(nc net.Conn, state http.ConnState) {
	changed, ok := nc.(*conn)
	if !ok {
		return
	}
	changed.become(state)
	if state != http.StateClosed {
		return
	}
	c.mu.Lock()
	delete(c.all, changed)
	c.mu.Unlock()
	c.open.Add(-1)
	select {
	case c.freed <- struct{}{}:
	default: // a signal is waiting already
	}
}

// finishPoll is how often finish looks at the connections.
const finishPoll = 5 * time.Millisecond

// finish ends idle connections, and returns when all connections have ended, or when
// ctx ends. Without finish, http.Server.Shutdown would close a connection whose request
// has arrived but was not yet read.
func (c *connections) finish(ctx context.Context) {
	tick := time.NewTicker(finishPoll)
	defer tick.Stop()
	for c.open.Load() > 0 {
		c.leaveIdle()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *connections) leaveIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.all {
		if one.is(http.StateIdle) && !one.leaving.Load() {
			one.leave()
		}
	}
}
