package ingest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// connections bounds the number of open connections.
//
// A connection above the limit is not refused. The connection waits in the kernel's
// queue until another connection ends. Customer.io waits an hour after a refused or
// reset connection, but only for its ordinary back-off after a connection without an
// answer in time.
type connections struct {
	limit int64
	open  atomic.Int64
	freed chan struct{} // wakes a waiting Accept, with room for a single signal
	log   zerolog.Logger

	mu  sync.Mutex
	all map[*conn]struct{}
}

func newConnections(limit int, log zerolog.Logger) *connections {
	return &connections{
		limit: int64(limit),
		freed: make(chan struct{}, 1),
		log:   log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute}),
		all:   map[*conn]struct{}{},
	}
}

// crowded reports whether more than three quarters of the limit are in use. Each
// answer then closes its connection, which keeps idle connections out of the last
// quarter. An idle connection may stay for IdleTimeout; a new connection must send a
// header within HeaderTimeout.
func (c *connections) crowded() bool { return c.open.Load() > c.limit*3/4 }

func (c *connections) add(nc net.Conn) *conn {
	added := &conn{Conn: nc}
	c.mu.Lock()
	c.all[added] = struct{}{}
	c.mu.Unlock()
	c.open.Add(1)
	return added
}

// state is the HTTP server's ConnState hook.
func (c *connections) state(nc net.Conn, state http.ConnState) {
	changed := accepted(nc)
	changed.state.Store(int32(state)) //nolint:gosec // one of five small constants
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

// busyPoll is how often finish looks at the connections.
const busyPoll = 5 * time.Millisecond

// finish returns when every open connection is idle, or when ctx ends. Without finish,
// http.Server.Shutdown would close a connection whose request it has not yet read.
func (c *connections) finish(ctx context.Context) {
	tick := time.NewTicker(busyPoll)
	defer tick.Stop()
	for c.busy() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *connections) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.all {
		if !one.idle() {
			return true
		}
	}
	return false
}
