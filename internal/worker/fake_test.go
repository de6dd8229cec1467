package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

// A journal lists what happened, in order: "ack 1", "term 2 rejected".
type journal struct {
	mu    sync.Mutex
	lines []string
	waits map[uint64]time.Duration // of the retries
}

func (j *journal) add(format string, args ...any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
	return nil
}

func (j *journal) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, l := range j.lines {
		if l == line {
			n++
		}
	}
	return n
}

// fakeSettler writes its calls into the journal.
type fakeSettler struct {
	j        *journal
	sequence uint64
}

func (s fakeSettler) Ack() error     { return s.j.add("ack %d", s.sequence) }
func (s fakeSettler) AckSync() error { return s.j.add("acksync %d", s.sequence) }
func (s fakeSettler) Extend() error  { return s.j.add("extend %d", s.sequence) }
func (s fakeSettler) Term(r fault.Reason) error {
	return s.j.add("term %d %s", s.sequence, r)
}

func (s fakeSettler) Retry(wait time.Duration) error {
	s.j.mu.Lock()
	s.j.waits[s.sequence] = wait
	s.j.mu.Unlock()
	return s.j.add("retry %d", s.sequence)
}

// fakeDeadLetters writes dead letters into the journal, or fails.
type fakeDeadLetters struct {
	j    *journal
	err  error
	last *event.DeadLetter
}

func (g *fakeDeadLetters) StoreDeadLetter(_ context.Context, d *event.DeadLetter) error {
	if g.err != nil {
		return errors.Join(g.j.add("dead-letter %d fails", d.Sequence), g.err)
	}
	g.last = d
	return g.j.add("dead-letter %d %s", d.Sequence, d.Reason)
}

// fakeState keeps values in memory, or fails.
type fakeState struct {
	mu     sync.Mutex
	err    error
	values map[string]string
	calls  int
}

func newFakeState() *fakeState { return &fakeState{values: map[string]string{}} }

func (s *fakeState) Change(_ context.Context, key string, fn func([]byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return s.err
	}
	value, err := fn([]byte(s.values[key]))
	if err == nil {
		s.values[key] = string(value)
	}
	return err
}

func (s *fakeState) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err == nil {
		delete(s.values, key)
	}
	return s.err
}

// fakeSource hands out one batch, and then ends the run.
type fakeSource struct {
	once  sync.Once
	batch []event.Attempt
	end   context.CancelFunc
}

func (s *fakeSource) Fetch(ctx context.Context, _ event.Limits) (batch []event.Attempt, err error) {
	s.once.Do(func() { batch = s.batch })
	if batch == nil {
		s.end()
		err = ctx.Err()
	}
	return batch, err
}

type handlerFunc func(ctx context.Context, batch []event.Attempt, fail func(int, error)) error

func (f handlerFunc) Handle(ctx context.Context, batch []event.Attempt, fail func(int, error)) error {
	return f(ctx, batch, fail)
}

// A scene is a consumer and one batch of messages.
type scene struct {
	j     *journal
	dead  *fakeDeadLetters
	state *fakeState
	batch []event.Attempt
	cfg   worker.Config
}

// newScene returns a scene with one message for each number of attempts. Sequences
// start at 1.
func newScene(numbers ...int) *scene {
	j := &journal{waits: map[uint64]time.Duration{}}
	s := &scene{j: j, dead: &fakeDeadLetters{j: j}, state: newFakeState()}
	for i, n := range numbers {
		seq := uint64(i + 1)
		s.batch = append(s.batch, event.Attempt{
			Stored: &event.Stored{
				Message: event.Message{ID: fmt.Sprint("m", seq)}, StoredAt: time.Unix(int64(seq), 0),
				Subject: "customerio.events.acme.email.opened",
			},
			Number: n, Sequence: seq, Settle: fakeSettler{j, seq},
		})
	}
	return s
}

// run runs the consumer until the batch is handled.
func (s *scene) run(t *testing.T, h handlerFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.runUntil(ctx, t, cancel, h)
}

func (s *scene) runUntil(ctx context.Context, t *testing.T, end context.CancelFunc, h handlerFunc) {
	t.Helper()
	s.cfg.Name, s.cfg.Handler, s.cfg.DeadLetters, s.cfg.State = "c", h, s.dead, s.state
	s.cfg.Source = &fakeSource{batch: s.batch, end: end}
	c, err := worker.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
}

func (s *scene) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.j.lines, want) {
		t.Errorf("happened: %q\nwant:     %q", s.j.lines, want)
	}
}

// between checks that the retry of the message waits from low to high.
func (s *scene) between(t *testing.T, sequence uint64, low, high time.Duration) {
	t.Helper()
	if wait := s.j.waits[sequence]; wait < low || wait > high {
		t.Errorf("message %d waits %v, want %v to %v", sequence, wait, low, high)
	}
}
