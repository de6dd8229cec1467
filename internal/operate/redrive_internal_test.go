package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

// A fakeStream is both streams. Each error in a list of failures is returned once.
type fakeStream struct {
	mu     sync.Mutex
	dead   map[uint64]*event.StoredDeadLetter
	stored []string // published messages in order, with the method
	ids    map[string]bool
	body   int // MaxBody
	// failures are returned, by the name of the method, before the method has an
	// effect.
	failures map[string][]error
}

func (f *fakeStream) fail(method string) error {
	if len(f.failures[method]) == 0 {
		return nil
	}
	err := f.failures[method][0]
	f.failures[method] = f.failures[method][1:]
	return err
}

func (f *fakeStream) ReadDeadLetter(_ context.Context, entries []uint64) (*event.StoredDeadLetter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.dead[entries[0]]
	if b == nil {
		return nil, event.ErrNoDeadLetter
	}
	c := *b
	return &c, f.fail("ReadDeadLetter")
}

func (f *fakeStream) DeleteDeadLetter(_ context.Context, entries []uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("DeleteDeadLetter"); err != nil {
		return err
	}
	delete(f.dead, entries[0])
	return nil
}

func (f *fakeStream) put(method, id, what string) (duplicate bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(method); err != nil {
		return false, err
	}
	if f.ids[id] {
		return true, nil
	}
	f.ids[id] = true
	f.stored = append(f.stored, what)
	return false, nil
}

func (f *fakeStream) Publish(_ context.Context, m *event.Message) (bool, error) {
	return f.put("Publish", m.ID, fmt.Sprintf("event %s %s.%s %d bytes %s", m.ID, m.ObjectType, m.Metric, len(m.Body), m.Stripped))
}

func (f *fakeStream) Redrive(_ context.Context, consumer, key string, m *event.Message) (bool, error) {
	what := fmt.Sprintf("%s for %s", m.ID, consumer)
	if m.Released {
		what += ", released"
	}
	return f.put("Redrive", key, what)
}

func (f *fakeStream) MaxBody() int { return f.body }

func newFake(letters ...*event.StoredDeadLetter) (*fakeStream, [][]uint64) {
	f := &fakeStream{dead: map[uint64]*event.StoredDeadLetter{}, ids: map[string]bool{}, body: 1000, failures: map[string][]error{}}
	var list [][]uint64
	for i, b := range letters {
		b.Entries = []uint64{uint64(i + 1)}
		f.dead[b.Entries[0]] = b
		list = append(list, b.Entries)
	}
	return f, list
}

func letter(from, id, body string) *event.StoredDeadLetter {
	return &event.StoredDeadLetter{Key: from + id, DeadLetter: event.DeadLetter{From: from, Message: event.Message{Workspace: "acme", ID: id, Body: []byte(body)}}}
}

func (f *fakeStream) redriver() *redriver {
	return &redriver{dead: f, publisher: f, consumers: []stream.ConsumerStatus{{Name: "suppression"}, {Name: "warehouse"}}, concurrency: 1, progress: func() {}}
}

// A held suppression is sent again only when the operator releases held suppressions. It
// carries the release, also when it dies once more for another reason.
func TestRedriveReleasesHeldSuppressions(t *testing.T) {
	t.Parallel()
	held, again := letter("suppression", "a", "{}"), letter("suppression", "b", "{}")
	held.Reason, again.Reason, again.Released = fault.ReasonHeldSuppression, fault.ReasonRejected, true
	f, list := newFake(held, again, letter("suppression", "c", "{}"))
	got, err := f.redriver().redrive(t.Context(), list)
	want := RedriveReport{Redriven: 2, Kept: map[string]int{
		"held suppressions: redrive them by their reason alone, held_suppression, which deletes the profiles": 1,
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("redrive: %v; report (-want +got):\n%s", err, diff)
	}
	r := f.redriver()
	r.release = true
	if got, err := r.redrive(t.Context(), list[:1]); err != nil || got.Redriven != 1 {
		t.Errorf("release: %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"b for suppression, released", "c for suppression", "a for suppression, released"}, f.stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestRedrive(t *testing.T) {
	t.Parallel()
	torn := letter("ingest", "torn", `{"event_id":"torn"}`)
	torn.Missing = 1
	f, list := newFake(
		letter("suppression", "a", "{}"),
		letter("ingest", "digest", `{"event_id":"b","object_type":"email","metric":"Sent"}`),
		letter("ingest", "digest2", `no JSON`),
		letter("ingest", "digest3", `[]`),
		letter("warehouse-old", "c", "{}"),
		torn,
		letter("ingest", "large", `{"event_id":"d","metric":"sent","data":{"content":"`+strings.Repeat("x", 2000)+`"}}`),
	)
	list = append(list, []uint64{99}) // somebody else has deleted this dead letter
	calls := 0
	r := f.redriver()
	r.progress = func() { calls++ }
	got, err := r.redrive(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	want := RedriveReport{Redriven: 3, Gone: 1, Kept: map[string]int{
		"the body is still no event: not_json": 1, "the body is still no event: not_object": 1,
		"there is no consumer warehouse-old": 1, "parts of the body are missing": 1,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	stored := []string{"a for suppression", "event b email.sent 54 bytes ", "event d .sent 56 bytes content"}
	if diff := cmp.Diff(stored, f.stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	var left []uint64
	for entry := range f.dead {
		left = append(left, entry)
	}
	slices.Sort(left)
	if !slices.Equal(left, []uint64{3, 4, 5, 6}) || calls != len(list) {
		t.Errorf("left are %v, progress %d times", left, calls)
	}
}

// After any failure a second run completes the work, and no message is stored twice.
func TestRedriveAgain(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for _, method := range []string{"ReadDeadLetter", "Redrive", "Publish", "DeleteDeadLetter"} {
		f, list := newFake(letter("suppression", "a", "{}"), letter("ingest", "x", `{"event_id":"b"}`), letter("warehouse", "c", "{}"))
		f.failures[method] = []error{lost}
		first, err := f.redriver().redrive(t.Context(), list)
		if !errors.Is(err, lost) || first.Redriven == len(list) {
			t.Errorf("%s: first run: %+v, %v", method, first, err)
		}
		second, err := f.redriver().redrive(t.Context(), list)
		if err != nil || first.Redriven+second.Redriven != len(list) || len(f.dead) > 0 || len(f.stored) != len(list) {
			t.Errorf("%s: second run: %+v, %v; left %d, stored %v", method, second, err, len(f.dead), f.stored)
		}
		if wantDuplicates := map[bool]int{true: 1}[method == "DeleteDeadLetter"]; second.Duplicates != wantDuplicates {
			t.Errorf("%s: %d duplicates, want %d", method, second.Duplicates, wantDuplicates)
		}
	}
}

func TestRedriveRefusedByTheStream(t *testing.T) {
	t.Parallel()
	f, list := newFake(letter("suppression", "a", "{}"))
	f.failures["Redrive"] = []error{fault.Permanent(fault.ReasonTooLarge, errors.New("too large"))}
	got, err := f.redriver().redrive(t.Context(), list)
	if err != nil || got.Kept["the stream refuses it: too_large"] != 1 || len(f.dead) != 1 {
		t.Errorf("report %+v, %v", got, err)
	}
}

func TestRedriveIsInterrupted(t *testing.T) {
	t.Parallel()
	var letters []*event.StoredDeadLetter
	for i := range 100 {
		letters = append(letters, letter("suppression", fmt.Sprint(i), "{}"))
	}
	f, list := newFake(letters...)
	ctx, cancel := context.WithCancel(t.Context())
	r := f.redriver()
	r.progress = cancel
	got, err := r.redrive(ctx, list)
	if !errors.Is(err, context.Canceled) || got.Redriven == 0 || got.Redriven > 3 {
		t.Errorf("redriven %d, %v", got.Redriven, err)
	}
	if len(f.stored) != got.Redriven || len(f.dead) != 100-got.Redriven {
		t.Errorf("%d are stored and %d left, %d redriven", len(f.stored), len(f.dead), got.Redriven)
	}
}
