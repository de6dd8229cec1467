package customerio

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turns limits the calls of a process: at most n in any second, as the server counts
// them. A turn ends a second after the answer. The server received the call before its
// answer and receives the next call of that turn after its sending, so more than a
// second lies between the two, however long a call is on its way. A limiter that spaces
// the sending alone lets calls meet at the server.
type turns struct {
	begin sync.Once
	free  chan struct{} // has a token for each free turn

	mu     sync.Mutex
	resume time.Time // no call begins earlier
}

const turnTime = time.Second

// of sets the number of turns, once.
func (t *turns) of(n int) *turns {
	t.begin.Do(func() {
		t.free = make(chan struct{}, n)
		for range n {
			t.free <- struct{}{}
		}
	})
	return t
}

// errPaused reports a pause that ends after the context. The caller learns the cause at
// once, instead of a silence until then.
var errPaused = errors.New("after a 429 the App API asked for a pause")

// take waits for a turn and for the end of a pause. The caller calls release after the
// answer.
func (t *turns) take(ctx context.Context) (release func(), err error) {
	select {
	case <-t.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for wait := t.paused(); wait > 0; wait = t.paused() {
		err := errPaused
		if end, ok := ctx.Deadline(); !ok || time.Until(end) >= wait {
			err = sleep(ctx, wait)
		}
		if err != nil {
			t.free <- struct{}{}
			return nil, err
		}
	}
	return func() { time.AfterFunc(turnTime, func() { t.free <- struct{}{} }) }, nil
}

func (t *turns) paused() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.resume)
}

// pause delays all later calls.
func (t *turns) pause(wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(wait); until.After(t.resume) {
		t.resume = until
	}
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
