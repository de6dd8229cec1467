package ingest

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// connections bounds the connections that are open at a time.
//
// One above the limit is not refused: it waits in the kernel's queue until
// another ends. Customer.io waits an hour after a refused or reset connection,
// and by its ordinary back-off after one on which no answer came in time.
//
// It gives out the connections as they are, and learns of their end from the
// HTTP server: in a wrapper they would lose CloseWrite, without which an answer
// to a body that was not read to its end can be lost to a reset.
type connections struct {
	limit int64
	open  atomic.Int64
	freed chan struct{} // tells a waiting Accept, holds one
	log   zerolog.Logger
}

func newConnections(limit int, log zerolog.Logger) *connections {
	return &connections{
		limit: int64(limit),
		freed: make(chan struct{}, 1),
		log:   log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute}),
	}
}

// crowded reports that three quarters of the limit are in use. From then on
// every answer closes its connection, so that the last quarter cannot be taken
// by idle ones: they may stay for IdleTimeout, and new ones must send a header
// within HeaderTimeout.
func (c *connections) crowded() bool { return c.open.Load() > c.limit*3/4 }

// state is the HTTP server's hook.
func (c *connections) state(_ net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	c.leave()
}

func (c *connections) leave() {
	c.open.Add(-1)
	select {
	case c.freed <- struct{}{}:
	default: // told already
	}
}

// on returns the listener that takes no more than the limit.
func (c *connections) on(ln net.Listener) net.Listener {
	return &boundedListener{Listener: ln, connections: c, closed: make(chan struct{})}
}

type boundedListener struct {
	net.Listener
	*connections
	once   sync.Once
	closed chan struct{}
}

// Accept is called by one goroutine alone: nobody can take what it has seen free.
func (l *boundedListener) Accept() (net.Conn, error) {
	for l.open.Load() >= l.limit {
		l.log.Warn().Int64("open", l.limit).Msg("as many connections are open as MAX_CONNECTIONS allows: others wait")
		select {
		case <-l.freed:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := l.Listener.Accept()
	if err == nil {
		l.open.Add(1)
	}
	return conn, err
}

func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
