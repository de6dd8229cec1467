package stream

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// acks publishes messages and waits for the stream's answer to each message.
//
// acks replaces jetstream.PublishMsg and needs less: a single subscription, a single
// map, and a channel per message; no context, no timer, and no JSON for the usual
// answer. Ingest accepts a fifth more calls a second than with PublishMsg. The
// asynchronous publisher of package jetstream is as fast, but keeps a message
// whose caller has given up, and sends the message again after a reconnect.
type acks struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	prefix string
	done   chan struct{}
	// up is set while the connection is up. nats.go holds its lock while it dials a
	// server, for seconds if the server is silent, so no publisher may ask nats.go.
	up atomic.Bool

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*waiter
	closed  bool
	// lost is when the connection was lost; it counts while up is not set.
	lost time.Time
}

// A waiter is one message that waits for an answer to one of its tries. All tries have
// the same reply subject, so a late answer to an early try counts. Waiters are pooled.
type waiter struct {
	id uint64
	// news has room for a nudge and the last piece of news, so no send blocks.
	news    chan news
	expires time.Time
	// nudge is the time of the next errNudge, zero for none.
	nudge time.Time
	// repeatable allows another try after an unknown result of the last one: the
	// stream drops the second copy of a message with an id.
	repeatable bool
}

// news is the answer to a message, errNudge, or the error that ends the wait.
type news struct {
	msg *nats.Msg
	err error
}

var waiters = sync.Pool{New: func() any { return &waiter{news: make(chan news, 2)} }}

// sweepEvery is the precision of a timeout. A timer per message would be exact,
// but costs a twentieth of a request, and a request takes milliseconds.
const sweepEvery = 50 * time.Millisecond

var (
	// errNudge asks for another try. The waiter still waits.
	errNudge = errors.New("no answer yet")
	// errDisconnected ends the wait for an answer that cannot arrive any more.
	errDisconnected = errors.New("connection lost before the answer")
)

func newAcks(nc *nats.Conn) (*acks, error) {
	a := &acks{nc: nc, prefix: nc.NewInbox() + ".", done: make(chan struct{}), waiting: map[uint64]*waiter{}}
	sub, err := nc.Subscribe(a.prefix+"*", a.deliver)
	if err != nil {
		return nil, err
	}
	a.sub, a.lost = sub, time.Now()
	changes := nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)
	a.up.Store(nc.IsConnected()) // a change since is in the channel
	go a.sweep(changes)
	return a, nil
}

// open registers msg as waiting until the deadline, with a nudge at the time nudge.
// The caller publishes msg, receives the waiter's news, and puts the waiter back.
func (a *acks) open(msg *nats.Msg, deadline, nudge time.Time) *waiter {
	w := waiters.Get().(*waiter) //nolint:forcetypeassert,errcheck // the pool contains only waiters
	w.expires, w.repeatable = deadline, headerValue(msg.Header, nats.MsgIdHdr) != ""
	a.mu.Lock()
	a.last++
	w.id = a.last
	a.add(w, nudge)
	a.mu.Unlock()
	msg.Reply = a.prefix + strconv.FormatUint(w.id, 36)
	return w
}

// again lets a waiter whose message got an answer wait for another answer, with a nudge
// after pause.
func (a *acks) again(w *waiter, pause time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(w, time.Now().Add(pause))
}

func (a *acks) add(w *waiter, nudge time.Time) {
	if a.closed { // nobody sweeps any more
		w.news <- news{err: errDisconnected}
		return
	}
	w.nudge = nudge
	a.waiting[w.id] = w
}

// later moves the next nudge of w, if w still waits.
func (a *acks) later(w *waiter, pause time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[w.id] == w {
		w.nudge = time.Now().Add(pause)
	}
}

// settle passes the last news to a waiter, if the waiter still waits.
func (a *acks) settle(id uint64, last news) {
	a.mu.Lock()
	w, ok := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if ok {
		w.news <- last
	}
}

func (a *acks) deliver(msg *nats.Msg) {
	if id, err := strconv.ParseUint(msg.Subject[len(a.prefix):], 36, 64); err == nil {
		a.settle(id, news{msg: msg})
	}
}

// away returns how long the connection has been away, 0 while it is up.
func (a *acks) away() time.Duration {
	if a.up.Load() {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.lost)
}
