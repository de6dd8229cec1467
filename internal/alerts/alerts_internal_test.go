package alerts

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Of several workers one sends the onset and the end, each once; workers that stop and start
// meanwhile change nothing.
func TestOnceWithSeveralWorkers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	stop := s.run(s.alerter("a"))
	s.run(s.alerter("b"))
	s.run(s.alerter("c"))
	s.hold()
	s.wantKinds("begun")
	stop()
	s.run(s.alerter("d"))
	s.wantKinds("begun")
	s.drop()
	s.wantKinds("begun", "ended")
	s.hold()
	s.wantKinds("begun", "ended", "begun")
}

// A receiver that is down gets the onset when it is back, once, and counts as failed
// attempts.
func TestReceiverDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.status.Store(http.StatusServiceUnavailable)
	reg := prometheus.NewRegistry()
	a := s.alerter("a")
	a.cfg.Metrics = NewMetrics(reg)
	var ahead atomic.Int64 // of the clock, because the waits are long
	a.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s.run(a)
	s.hold()
	for n := range 3 {
		s.eventually("a failed attempt", func() bool { return counted(t, reg, resultFailed) > float64(n) })
		ahead.Add(int64(lastRetry))
	}
	s.status.Store(http.StatusOK)
	s.eventually("the message is accepted", func() bool {
		ahead.Add(int64(lastRetry))
		return len(s.accepted()) > 0
	})
	s.wantKinds("begun")
	if n := counted(t, reg, resultSent); n != 1 {
		t.Errorf("%v messages count as sent", n)
	}
}

// A dying transport ends its goroutine, as the kill of a process would: nothing that the
// goroutine would do later happens.
type dying struct{ next http.RoundTripper }

func (d dying) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.next != nil {
		if resp, err := d.next.RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	runtime.Goexit()
	return nil, nil //nolint:nilnil // never
}

// A worker that crashes after the book says that a message is due, and before the message is
// sent, leaves the message to the next worker.
func TestCrashBeforeSending(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.crash(nil)
	s.run(s.alerter("b"))
	s.wantKinds("begun")
}

// A worker that crashes after the receiver's answer makes the next worker repeat the message
// with its id, so that a receiver of Standard Webhooks can leave it out.
func TestCrashAfterSending(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.crash(http.DefaultTransport)
	b := s.alerter("b")
	b.sender.key, _ = signingKey(testSecret)
	s.run(b)
	s.eventually("the message is repeated", func() bool { return len(s.accepted()) == 2 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[0] == "" || s.ids[0] != s.ids[1] {
		t.Errorf("ids %q", s.ids)
	}
}

// crash runs a worker that crashes at its first message.
func (s *scene) crash(next http.RoundTripper) {
	s.t.Helper()
	a := s.alerter("a")
	a.sender.key, _ = signingKey(testSecret)
	a.sender.client = &http.Client{Transport: dying{next}}
	s.hold()
	var running sync.WaitGroup
	running.Go(func() { a.Run(s.t.Context()) })
	running.Wait()
}

// A holder that NATS loses after the receiver's answer notes the message when NATS is back,
// and does not repeat it.
func TestNATSAwayAfterSending(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	a := s.alerter("a")
	var once sync.Once
	a.sender.client = &http.Client{Transport: after(func() { once.Do(s.srv.Stop) })}
	s.hold()
	s.run(a)
	s.eventually("the message is accepted", func() bool { return len(s.accepted()) == 1 })
	<-time.After(10 * fast)
	s.srv.Restart()
	s.eventually("the book says so", func() bool {
		value, _, err := s.conn.State().Get(s.t.Context(), bookKey)
		return err == nil && strings.Contains(string(value), `"told":true`)
	})
	s.wantKinds("begun")
}

// after calls fn after each call.
type after func()

func (fn after) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	fn()
	return resp, err
}

// A worker that another has replaced stops in the middle: it sends nothing any more.
func TestReplacedHolder(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	a, b := s.alerter("a"), s.alerter("b")
	s.hold()
	if err := b.turn(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantKinds("begun")
	var ahead atomic.Int64
	a.cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	if err := a.turn(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if held, err := b.open(t.Context()); err != nil || held == nil {
		t.Fatalf("a worker has replaced a holder at once: %v, %v", held, err)
	}
	s.drop()
	ahead.Add(int64(leases * fast))
	if err := a.turn(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantKinds("begun", "ended")
	if held, err := b.open(t.Context()); err != nil || held != nil {
		t.Errorf("the old holder goes on: %v, %v", held, err)
	}
}
