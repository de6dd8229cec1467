package ingest

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A boundedListener accepts connections up to the limit.
type boundedListener struct {
	net.Listener
	*connections
	// ending is closed by end; until is the time at which Accept stops then.
	ending chan struct{}
	until  atomic.Pointer[time.Time]
	// filled is the time since which Accept has found the limit reached each time.
	filled time.Time
}

// on returns a listener that accepts connections up to the limit.
func (c *connections) on(ln net.Listener) *boundedListener {
	return &boundedListener{Listener: ln, connections: c, ending: make(chan struct{})}
}

// fullPoll is how often a full listener looks for room: the patience with a connection
// ends, or a connection that was asked to leave has got a call instead.
const fullPoll = lookEvery

// Accept waits until the limit and the limit of open files have room. net/http calls Accept
// from a single goroutine, so no other caller can take the room.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		l.admit()
		nc, err := l.accept()
		if err == nil {
			return l.add(nc), nil
		}
		if !isNoFiles(err) {
			return nil, err
		}
		l.waitForFile(err)
	}
}

// admit makes room for a connection. Before end, admit also waits for the room.
func (l *boundedListener) admit() {
	now := time.Now()
	l.notePressure(now)
	if l.crowded() {
		l.makeRoom(rankStranger)
	}
	if !l.full() {
		l.filled = time.Time{}
	}
	for ; l.full() && l.until.Load() == nil; now = time.Now() {
		l.notePressure(now)
		l.makeRoom(l.lastRank(now))
		if l.full() {
			l.waitForRoom()
		}
	}
}

// isNoFiles reports whether the process or the machine may not open another file.
func isNoFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// filePoll is how often Accept tries again without a file: another part of the process may
// have closed a file.
const filePoll = 5 * time.Millisecond

func (l *boundedListener) waitForFile(err error) {
	l.files.Warn().Err(err).Int64("open", l.open.Load()).
		Msg("no file left for a new connection, new connections wait: raise the limit of open files (ulimit -n, LimitNOFILE)")
	l.makeRoom(rankSigned)
	select {
	case <-l.freed:
	case <-time.After(filePoll):
	}
}

// lastRank returns the last rank that makes room at the limit. After a burst of new
// connections the strangers among them can leave after patience, so senders stay until
// then.
func (l *boundedListener) lastRank(now time.Time) rank {
	if l.filled.IsZero() {
		l.filled = now
	}
	if now.Sub(l.filled) <= patience+lookEvery {
		return rankSlow
	}
	return rankSigned
}

func (l *boundedListener) waitForRoom() {
	l.waiting.Warn().Int64("open", l.limit).Msg("MAX_CONNECTIONS reached, new connections wait")
	select {
	case <-l.freed:
	case <-l.ending:
	case <-time.After(fullPoll):
	}
}

// An ending listener closes after quiet, a time without new connections: the kernel's
// queue is empty then. Senders without a load balancer may never pause for as long. After
// queueTimeout a gap suffices, and after gapTimeout the listener closes anyway.
const (
	quiet      = 50 * time.Millisecond
	gap        = 100 * time.Microsecond
	gapTimeout = time.Second
)

// lastDeadline returns the deadline of an ending listener's next Accept.
func lastDeadline(now, until time.Time) time.Time {
	switch {
	case now.Before(until):
		return now.Add(quiet)
	case now.Before(until.Add(gapTimeout)):
		return now.Add(gap)
	default:
		return now
	}
}

// accept accepts a connection. After end, accept closes the listener once no
// connection waits. Without a file the kernel does not tell whether a connection waits,
// so accept returns the error until the last deadline.
func (l *boundedListener) accept() (net.Conn, error) {
	until := l.until.Load()
	if until == nil {
		nc, err := l.Listener.Accept()
		if err == nil || l.until.Load() == nil {
			return nc, err
		}
		until = l.until.Load() // end has woken Accept
	}
	nc, err := l.acceptQueued(*until)
	if err == nil || isNoFiles(err) && time.Now().Before(until.Add(gapTimeout)) {
		return nc, err
	}
	_ = l.Close() // at once: a connection that arrives now is reset
	return nil, net.ErrClosed
}

// acceptQueued accepts a connection of an ending listener. After its deadline Accept
// returns without a look at the queue. The deadline may end before Accept begins: a
// container at its limit of CPU stops for up to 100 ms at a time. A connection that waits
// in the queue therefore gets a second Accept, which does not wait.
func (l *boundedListener) acceptQueued(until time.Time) (net.Conn, error) {
	l.setDeadline(lastDeadline(time.Now(), until))
	nc, err := l.Listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(until.Add(gapTimeout)) && queued(l.Listener) {
		l.setDeadline(time.Now().Add(gapTimeout))
		nc, err = l.Listener.Accept()
	}
	return nc, err
}

// queued reports whether a connection waits in the kernel's queue of the listener.
func queued(ln net.Listener) bool {
	raw := rawConn(ln)
	return raw != nil && readable(raw)
}

// end lets Accept accept all connections that wait in the kernel's queue, also above
// the limit, until the queue stays empty; see lastDeadline. Then Accept closes the
// listener. If the listener closed first, the kernel would reset the waiting
// connections, and Customer.io waits an hour after a reset connection.
func (l *boundedListener) end(until time.Time) {
	l.until.Store(&until)
	close(l.ending)
	l.setDeadline(time.Now().Add(quiet)) // wakes Accept if no connection arrives
}

func (l *boundedListener) setDeadline(t time.Time) {
	if d, ok := l.Listener.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = d.SetDeadline(t) // a closed listener accepts nothing anyway
	} else {
		_ = l.Close()
	}
}
