package ingest

import (
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
//
// Accept returns the connections without a wrapper, and the HTTP server's hook reports
// their end. A wrapper would hide CloseWrite. Without CloseWrite, a reset can destroy
// the answer to a body that was not read to its end.
type connections struct {
	limit int64
	open  atomic.Int64
	freed chan struct{} // wakes a waiting Accept, with room for a single signal
	log   zerolog.Logger
}

func newConnections(limit int, log zerolog.Logger) *connections {
	return &connections{
		limit: int64(limit),
		freed: make(chan struct{}, 1),
		log:   log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute}),
	}
}

// crowded reports whether more than three quarters of the limit are in use. Each
// answer then closes its connection, which keeps idle connections out of the last
// quarter. An idle connection may stay for IdleTimeout; a new connection must send a
// header within HeaderTimeout.
func (c *connections) crowded() bool { return c.open.Load() > c.limit*3/4 }

// state is the HTTP server's ConnState hook.
func (c *connections) state(_ net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	c.open.Add(-1)
	select {
	case c.freed <- struct{}{}:
	default: // a signal is waiting already
	}
}

// on returns a listener that accepts connections up to the limit.
func (c *connections) on(ln net.Listener) net.Listener {
	return &boundedListener{Listener: ln, connections: c, closed: make(chan struct{})}
}

type boundedListener struct {
	net.Listener
	*connections
	once   sync.Once
	closed chan struct{}
}

// Accept waits until the limit has room. net/http calls Accept from a single goroutine,
// so no other caller can take the room.
func (l *boundedListener) Accept() (net.Conn, error) {
	for l.open.Load() >= l.limit {
		l.log.Warn().Int64("open", l.limit).Msg("MAX_CONNECTIONS reached, new connections wait")
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
