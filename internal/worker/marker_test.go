package worker_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// handled returns a handler that writes each message into the journal.
func (s *scene) handled() handlerFunc {
	return func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
		for i := range batch {
			_ = s.j.add("%d handled", batch[i].Sequence)
		}
		return nil
	}
}

// marked stores a marker of a message: its attempt did not return n times.
func (s *scene) marked(sequence uint64, n int) {
	a := s.batch[sequence-1]
	value := jsonText(map[string]int{"unreturned": n})
	s.state.values["attempt."+a.Consumer+"."+jsonText(a.Sequence)+"-"+jsonText(a.StoredAt.UnixNano())] = value
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Restarts in an outage use up the attempts. Once another message has succeeded, each
// such message gets a real attempt.
func TestAttemptAfterTheFirstSuccess(t *testing.T) {
	t.Parallel()
	s := newScene(1, 41, 31)
	s.run(t, s.handled())
	s.expect(t, "1 handled", "acksync 1", "2 handled", "acksync 2", "3 handled", "acksync 3")
	if len(s.state.values) != 0 {
		t.Errorf("markers %v are left", s.state.values)
	}
}

// The real attempt decides, as any other attempt does, and leaves no marker.
func TestLastAttemptFails(t *testing.T) {
	t.Parallel()
	for want, fails := range map[string]func(fail func(int, error)){
		"dead-letter 2 exhausted":  func(fail func(int, error)) { fail(0, errAway) },
		"dead-letter 2 rejected":   func(fail func(int, error)) { fail(0, fault.Permanent(fault.ReasonRejected, errAway)) },
		"dead-letter 2 panic":      func(func(int, error)) { panic("a bug") },
		"dead-letter 2 exhausted ": func(fail func(int, error)) { fail(0, fault.RetryAfter(time.Hour, errAway)) },
		"retry 2":                  func(fail func(int, error)) { fail(0, fault.Outage(time.Hour, errAway)) },
	} {
		want = strings.TrimSpace(want)
		s := newScene(1, 41)
		s.run(t, func(_ context.Context, batch []event.Attempt, fail func(int, error)) error {
			if batch[0].Sequence == 2 {
				_ = s.j.add("tried")
				fails(fail)
			}
			return nil
		})
		if s.j.count("tried") != 1 || s.j.count(want) != 1 || len(s.state.values) != 0 {
			t.Errorf("happened: %q with markers %v, want %q after one try", s.j.lines, s.state.values, want)
		}
	}
}

// While no other message succeeds, the message is set aside so that other messages
// come first, and gets no marker. Without other messages the message is tried.
func TestManyAttemptsWithoutASuccess(t *testing.T) {
	t.Parallel()
	s := newScene(31)
	s.run(t, s.handled())
	s.expect(t, "retry 1")
	s.between(t, 1, time.Minute, time.Minute)
	if s.state.calls != 0 {
		t.Error("the set-aside message got a marker")
	}

	synctest.Test(t, func(t *testing.T) {
		s := newScene(31)
		s.cfg.Gate = gateFunc(func(context.Context) error {
			<-time.After(2 * time.Minute)
			return nil
		})
		s.run(t, s.handled())
		s.expect(t, "1 handled", "acksync 1")
	})
}

// A message whose last attempts all ended the process is dead-lettered untried. Fewer
// such attempts can be the fault of another message.
func TestMarkerFound(t *testing.T) {
	t.Parallel()
	s := newScene(1, 31, 31, 30)
	s.marked(2, 3)
	s.marked(3, 2)
	s.marked(4, 3)
	s.run(t, s.handled())
	s.expect(t, "1 handled", "acksync 1", "dead-letter 2 exhausted", "term 2 exhausted", "3 handled", "acksync 3", "4 handled", "acksync 4")
	if s.dead.last == nil || !strings.Contains(s.dead.last.Err, "process ended") {
		t.Errorf("dead letter %+v", s.dead.last)
	}
	if len(s.state.values) != 1 { // of message 4, which is not past MaxAttempts
		t.Errorf("markers %v are left", s.state.values)
	}
}

// The marker is there while the handler works, and the next attempts count on it.
func TestMarkerDuringTheAttempt(t *testing.T) {
	t.Parallel()
	s := newScene(1, 31)
	s.marked(2, 1)
	s.run(t, func(_ context.Context, batch []event.Attempt, _ func(int, error)) error {
		if batch[0].Number == 31 {
			for _, v := range s.state.values {
				if !strings.HasPrefix(v, `{"unreturned":2,`) {
					t.Errorf("marker %s", v)
				}
			}
		}
		return s.j.add("%d markers", len(s.state.values))
	})
	s.expect(t, "1 markers", "acksync 1", "1 markers", "acksync 2")
}

// Without a marker the message is not tried, because it could end the process for ever.
// Without a dead letter its marker stays.
func TestMarkerNotStored(t *testing.T) {
	t.Parallel()
	s := newScene(1, 31)
	s.state.err = errAway
	s.run(t, s.handled())
	s.expect(t, "1 handled", "acksync 1", "retry 2")
	s.between(t, 2, time.Minute, time.Minute)

	s = newScene(1, 31)
	s.marked(2, 3)
	s.dead.err = event.ErrStreamFull
	s.run(t, s.handled())
	s.expect(t, "1 handled", "acksync 1", "dead-letter 2 fails", "retry 2")
	if len(s.state.values) != 1 {
		t.Errorf("markers %v, want one", s.state.values)
	}
}
