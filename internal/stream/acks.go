package stream

import (
	"errors"
	"strconv"
	"sync"
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
	once   sync.Once

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*waiter
}

// A waiter is one request for an acknowledgement. Waiters are pooled: only the
// goroutine that removes a waiter from the map sends to its channel, and only once.
type waiter struct {
	answer  chan answer
	expires time.Time
}

type answer struct {
	msg *nats.Msg
	err error
}

var waiters = sync.Pool{New: func() any { return &waiter{answer: make(chan answer, 1)} }}

// sweepEvery is the precision of a timeout. A timer per message would be exact,
// but costs a twentieth of a request, and a request takes milliseconds.
const sweepEvery = 50 * time.Millisecond

// errDisconnected ends the wait for an answer that cannot arrive any more.
var errDisconnected = errors.New("connection lost before the answer")

func newAcks(nc *nats.Conn) (*acks, error) {
	a := &acks{nc: nc, prefix: nc.NewInbox() + ".", done: make(chan struct{}), waiting: map[uint64]*waiter{}}
	sub, err := nc.Subscribe(a.prefix+"*", a.deliver)
	if err != nil {
		return nil, err
	}
	a.sub = sub
	go a.sweep(nc.StatusChanged(nats.RECONNECTING, nats.CLOSED))
	return a, nil
}

// request publishes msg and returns the answer. The error is nats.ErrTimeout after
// wait, errDisconnected after a lost connection, or nats.go's when it cannot send.
func (a *acks) request(msg *nats.Msg, wait time.Duration) (*nats.Msg, error) {
	w := waiters.Get().(*waiter) //nolint:forcetypeassert,errcheck // the pool contains only waiters
	defer waiters.Put(w)
	w.expires = time.Now().Add(wait)
	a.mu.Lock()
	a.last++
	id := a.last
	a.waiting[id] = w
	a.mu.Unlock()

	msg.Reply = a.prefix + strconv.FormatUint(id, 36)
	if err := a.nc.PublishMsg(msg); err != nil {
		a.settle(id, answer{err: err}) // a no-op if sweep was first
	}
	got := <-w.answer
	return got.msg, got.err
}

// settle passes the answer to the request id, if the request still waits.
func (a *acks) settle(id uint64, got answer) {
	a.mu.Lock()
	w, ok := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if ok {
		w.answer <- got
	}
}

func (a *acks) deliver(msg *nats.Msg) {
	if id, err := strconv.ParseUint(msg.Subject[len(a.prefix):], 36, 64); err == nil {
		a.settle(id, answer{msg: msg})
	}
}

// sweep ends the requests that have timed out, and every request when the
// connection is lost.
func (a *acks) sweep(broken <-chan nats.Status) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			a.expire(nats.ErrTimeout, func(w *waiter) bool { return now.After(w.expires) })
		case _, open := <-broken:
			a.expire(errDisconnected, func(*waiter) bool { return true })
			if !open {
				broken = nil // the connection is closed
			}
		case <-a.done:
			a.expire(errDisconnected, func(*waiter) bool { return true })
			return
		}
	}
}

func (a *acks) expire(err error, over func(*waiter) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, w := range a.waiting {
		if over(w) {
			delete(a.waiting, id)
			w.answer <- answer{err: err} // never blocks: the channel has room for its only answer
		}
	}
}

func (a *acks) close() {
	a.once.Do(func() {
		close(a.done)
		_ = a.sub.Unsubscribe() // fails only on a closed connection, which has no subscriptions
	})
}
