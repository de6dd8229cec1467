package worker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

var errAway = errors.New("the API is down")

// failing fails every message with the error.
func failing(err error) handlerFunc {
	return func(_ context.Context, batch []event.Attempt, fail func(int, error)) error {
		for i := range batch {
			fail(i, err)
		}
		return nil
	}
}

func TestAckAfterSuccess(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1, 1)
	s.run(t, func(context.Context, []event.Attempt, func(int, error)) error { return s.j.add("handled") })
	s.expect(t, "handled", "ack 1", "ack 2", "acksync 3")
}

// The last successful message is acknowledged with AckSync, even if later messages
// fail.
func TestAckAroundFailures(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1, 1, 1)
	s.run(t, func(_ context.Context, _ []event.Attempt, fail func(int, error)) error {
		fail(1, errAway)
		fail(3, fault.Permanent(fault.ReasonRejected, errAway))
		return nil
	})
	s.expect(t, "retry 2", "dead-letter 4 rejected", "term 4 rejected", "ack 1", "acksync 3")
	// The time identifies the dead letter; a sequence could start over.
	if d := s.dead.last; !d.StoredAt.Equal(s.batch[3].StoredAt) || d.StoredAt.IsZero() {
		t.Errorf("the dead letter of a message stored at %v says %v", s.batch[3].StoredAt, d.StoredAt)
	}
}

func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	s := newScene(1, 2, 4, 29)
	s.run(t, failing(errAway))
	s.between(t, 1, 750*time.Millisecond, 1250*time.Millisecond)
	s.between(t, 2, 1500*time.Millisecond, 2500*time.Millisecond)
	s.between(t, 3, 6*time.Second, 10*time.Second)
	s.between(t, 4, 450*time.Second, 750*time.Second)
}

// An error with a wait never dead-letters the message.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := newScene(1, 30)
	s.run(t, failing(fault.RetryAfter(17*time.Second, errAway)))
	s.between(t, 1, 17*time.Second, 17*time.Second)
	s.between(t, 2, 17*time.Second, 17*time.Second)
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	s := newScene(3)
	s.run(t, failing(fault.Permanent(fault.ReasonRejected, errAway)))
	s.expect(t, "dead-letter 1 rejected", "term 1 rejected")
	d := s.dead.last
	if d.From != "c" || d.Err != errAway.Error() || d.Attempts != 3 || d.ID != "m1" || d.Subject != s.batch[0].Subject || d.DiedAt.IsZero() {
		t.Errorf("dead letter %+v", d)
	}
}

// A message is never terminated before its dead letter is durable.
func TestDeadLetterNotStored(t *testing.T) {
	t.Parallel()
	s := newScene(1)
	s.dead.err = event.ErrStreamFull
	s.run(t, failing(fault.Permanent(fault.ReasonRejected, errAway)))
	s.expect(t, "dead-letter 1 fails", "retry 1")
	s.between(t, 1, 750*time.Millisecond, 1250*time.Millisecond)
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	s := newScene(2, 3)
	s.cfg.MaxAttempts = 3
	s.run(t, failing(errAway))
	s.expect(t, "retry 1", "dead-letter 2 exhausted", "term 2 exhausted")
}

type gateFunc func(context.Context) error

func (f gateFunc) Await(ctx context.Context) error { return f(ctx) }

// Nothing is fetched behind a closed gate.
func TestGate(t *testing.T) {
	t.Parallel()
	s := newScene(1)
	ctx, cancel := context.WithCancel(t.Context())
	s.cfg.Gate = gateFunc(func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	s.runUntil(ctx, t, cancel, func(context.Context, []event.Attempt, func(int, error)) error { return s.j.add("handled") })
	s.expect(t)
}

// limitsSource returns one message per fetch and records the requested limits.
type limitsSource struct {
	batch []event.Attempt
	asked []int
	end   context.CancelFunc
}

func (s *limitsSource) Fetch(ctx context.Context, l event.Limits) ([]event.Attempt, error) {
	s.asked = append(s.asked, l.Messages)
	if len(s.batch) == 0 {
		s.end()
		return nil, ctx.Err()
	}
	next := s.batch[:1]
	s.batch = s.batch[1:]
	return next, nil
}

// Until a message succeeds, the consumer fetches one message at a time.
func TestOneMessageUntilASuccess(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1, 1, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	source := &limitsSource{batch: s.batch, end: cancel}
	c, err := worker.New(worker.Config{
		Name: "c", Source: source, DeadLetters: s.dead, State: s.state, Limits: event.Limits{Messages: 100},
		Handler: handlerFunc(func(_ context.Context, batch []event.Attempt, fail func(int, error)) error {
			switch batch[0].Sequence {
			case 1, 3:
				fail(0, errAway)
			case 4:
				fail(0, fault.Permanent(fault.ReasonRejected, errAway)) // a permanent fault tells nothing about the API
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
	if want := []int{1, 1, 100, 1, 1, 100}; !slices.Equal(source.asked, want) {
		t.Errorf("asked for %v messages, want %v", source.asked, want)
	}
}

// After a gate has opened, the first fetch takes many messages.
func TestManyMessagesBehindAGate(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	source := &limitsSource{batch: s.batch, end: cancel}
	c, err := worker.New(worker.Config{
		Name: "c", Source: source, DeadLetters: s.dead, State: s.state, Limits: event.Limits{Messages: 100},
		Gate: gateFunc(func(context.Context) error { return nil }),
		Handler: handlerFunc(func(_ context.Context, batch []event.Attempt, fail func(int, error)) error {
			if batch[0].Sequence == 1 {
				fail(0, errAway)
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
	if want := []int{100, 1, 100, 100}; !slices.Equal(source.asked, want) {
		t.Errorf("asked for %v messages, want %v", source.asked, want)
	}
}

func TestRepeatedAttemptIsHandledAlone(t *testing.T) {
	t.Parallel()
	s := newScene(1, 6, 1)
	s.run(t, func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
		return s.j.add("%d handled", len(batch))
	})
	s.expect(t, "2 handled", "ack 1", "acksync 3", "1 handled", "acksync 2")
}

func TestPanicIsolatesTheMessage(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1, 1)
	s.run(t, func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
		for i := range batch {
			if batch[i].Sequence == 2 {
				panic("a bug")
			}
		}
		return nil
	})
	s.expect(t, "acksync 1", "dead-letter 2 panic", "term 2 panic", "acksync 3")
}

// The message is found by halving. One by one, a large batch would take an hour.
func TestPanicIsFoundSoon(t *testing.T) {
	t.Parallel()
	s := newScene(slices.Repeat([]int{1}, 1000)...)
	calls := 0
	s.run(t, func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
		calls++
		for i := range batch {
			if batch[i].Sequence == 777 {
				panic("a bug")
			}
		}
		return nil
	})
	if calls > 25 || s.j.count("dead-letter 777 panic") != 1 || len(s.j.lines) != 1001 {
		t.Errorf("%d calls, %d lines, want one dead letter and 999 acknowledgements in few calls", calls, len(s.j.lines))
	}
}

func TestBatchErrorRetriesTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(1, 1)
		start, tries := time.Now(), 0
		s.run(t, func(_ context.Context, _ []event.Attempt, fail func(int, error)) error {
			tries++
			if tries > 8 {
				return s.j.add("handled")
			}
			fail(0, errAway) // ignored because the whole batch fails
			return errAway
		})
		if held := time.Since(start); held < 30*time.Second || held > 3*time.Minute {
			t.Errorf("retried for %v", held)
		}
		settled := slices.DeleteFunc(slices.Clone(s.j.lines), func(l string) bool { return l == "extend 1" || l == "extend 2" })
		if want := []string{"handled", "ack 1", "acksync 2"}; !slices.Equal(settled, want) {
			t.Errorf("happened: %q, want %q", settled, want)
		}
		if s.j.count("extend 1") < 3 {
			t.Error("the failed batch was not extended")
		}
	})
}

func TestBatchWaitsAsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, tries := time.Now(), 0
		newScene(1).run(t, func(context.Context, []event.Attempt, func(int, error)) error {
			tries++
			if tries == 1 {
				return fault.RetryAfter(42*time.Second, errAway)
			}
			return nil
		})
		if held := time.Since(start); held != 42*time.Second {
			t.Errorf("retried after %v, want 42s", held)
		}
	})
}

func TestBatchIsReleasedOnShutdown(t *testing.T) {
	t.Parallel()
	s := newScene(1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	s.runUntil(ctx, t, cancel, func(context.Context, []event.Attempt, func(int, error)) error {
		cancel()
		return errAway
	})
	s.expect(t, "retry 1", "retry 2")
	s.between(t, 1, 0, 0)
}

// A batch in work at the end of the context is finished within grace.
func TestGrace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		takes time.Duration
		want  string
	}{{10 * time.Second, "acksync 1"}, {time.Minute, "retry 1"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(1)
			s.cfg.ExtendEvery = time.Hour
			ctx, cancel := context.WithCancel(t.Context())
			s.runUntil(ctx, t, cancel, func(ctx context.Context, _ []event.Attempt, _ func(int, error)) error {
				cancel()
				select {
				case <-time.After(tt.takes):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			s.expect(t, tt.want)
		})
	}
}

func TestExtendWhileSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(1)
		s.run(t, func(context.Context, []event.Attempt, func(int, error)) error {
			<-time.After(35 * time.Second)
			return nil
		})
		s.expect(t, "extend 1", "extend 1", "extend 1", "acksync 1")
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := worker.New(worker.Config{Name: "c"}); err == nil {
		t.Error("a consumer without a source is accepted")
	}
}
