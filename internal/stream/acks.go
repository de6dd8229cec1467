package stream

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// acks sends messages and waits for the stream's answer to each.
//
// It does what jetstream.PublishMsg does with less: one subscription, one map
// and one channel a message; no context, no timer and no JSON on the usual
// answer. Ingest takes a fifth more calls a second with it. The asynchronous
// publisher of the same package is as quick, but keeps a message whose caller
// has given up, and sends it again after a reconnect.
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

// A waiter is one request for an acknowledgement. It is used again: whoever
// takes it out of the map sends to it, once, and nobody else does.
type waiter struct {
	answer  chan answer
	expires time.Time
}

type answer struct {
	msg *nats.Msg
	err error
}

var waiters = sync.Pool{New: func() any { return &waiter{answer: make(chan answer, 1)} }}

// sweepEvery is how exactly a timeout is kept. A timer a message would be exact,
// for a request that takes milliseconds, at a twentieth of its cost.
const sweepEvery = 50 * time.Millisecond

// errDisconnected ends the wait for answers that can no longer come.
var errDisconnected = errors.New("the connection broke before the answer")

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

// request publishes msg and returns the answer. It returns nats.ErrTimeout
// after wait, and what nats.go says when it cannot send.
func (a *acks) request(msg *nats.Msg, wait time.Duration) (*nats.Msg, error) {
	w := waiters.Get().(*waiter) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer waiters.Put(w)
	w.expires = time.Now().Add(wait)
	a.mu.Lock()
	a.last++
	id := a.last
	a.waiting[id] = w
	a.mu.Unlock()

	msg.Reply = a.prefix + strconv.FormatUint(id, 36)
	if err := a.nc.PublishMsg(msg); err != nil {
		a.settle(id, answer{err: err}) // unless the sweep has done it
	}
	got := <-w.answer
	return got.msg, got.err
}

// settle ends the wait of a request, if it still waits.
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

// sweep ends the waits that have taken too long, and all of them when the
// connection breaks.
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
				broken = nil // closed for good
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
			w.answer <- answer{err: err} // never blocks: it holds one, and gets one
		}
	}
}

func (a *acks) close() {
	a.once.Do(func() {
		close(a.done)
		_ = a.sub.Unsubscribe() // the connection may be closed, which does the same
	})
}
