package stream

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// acks sends messages and waits for the stream's answer to each.
//
// It does what jetstream.PublishMsg does with less: one subscription, one map
// and one channel a message, no context of its own and no JSON on the usual
// answer. Under load that is a third of ingest's share of the machine. The
// asynchronous publisher of the same package is as quick, but keeps a message
// whose caller has given up, and sends it again after a reconnect.
type acks struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	prefix string

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*waiter
}

// A waiter is one request for an acknowledgement. It is used again.
type waiter struct {
	answer chan *nats.Msg
	timer  *time.Timer
}

var waiters = sync.Pool{New: func() any {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &waiter{answer: make(chan *nats.Msg, 1), timer: t}
}}

func newAcks(nc *nats.Conn) (*acks, error) {
	a := &acks{nc: nc, prefix: nc.NewInbox() + ".", waiting: map[uint64]*waiter{}}
	sub, err := nc.Subscribe(a.prefix+"*", a.deliver)
	if err != nil {
		return nil, err
	}
	a.sub = sub
	return a, nil
}

// request publishes msg and returns the answer. It returns nats.ErrTimeout
// after wait, and what nats.go says when it cannot send.
func (a *acks) request(ctx context.Context, msg *nats.Msg, wait time.Duration) (*nats.Msg, error) {
	w := waiters.Get().(*waiter) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	a.mu.Lock()
	a.last++
	id := a.last
	a.waiting[id] = w
	a.mu.Unlock()

	msg.Reply = a.prefix + strconv.FormatUint(id, 36)
	if err := a.nc.PublishMsg(msg); err != nil {
		a.forget(id, w)
		return nil, err
	}
	w.timer.Reset(wait)
	defer w.timer.Stop()
	select {
	case answer := <-w.answer:
		waiters.Put(w)
		return answer, nil
	case <-w.timer.C:
		return a.giveUp(id, w, nats.ErrTimeout)
	case <-ctx.Done():
		return a.giveUp(id, w, ctx.Err())
	}
}

// giveUp returns cause, unless the answer has come in the same moment.
func (a *acks) giveUp(id uint64, w *waiter, cause error) (*nats.Msg, error) {
	if answer := a.forget(id, w); answer != nil {
		return answer, nil
	}
	return nil, cause
}

// forget ends a wait. Once it has returned, nothing sends to w any more.
func (a *acks) forget(id uint64, w *waiter) *nats.Msg {
	a.mu.Lock()
	_, waits := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	var answer *nats.Msg
	if !waits { // deliver has taken w and is about to send
		answer = <-w.answer
	}
	waiters.Put(w)
	return answer
}

func (a *acks) deliver(answer *nats.Msg) {
	id, err := strconv.ParseUint(answer.Subject[len(a.prefix):], 36, 64)
	if err != nil {
		return // nothing of ours
	}
	a.mu.Lock()
	w, ok := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if ok {
		w.answer <- answer
	}
}

func (a *acks) close() error { return a.sub.Unsubscribe() }
