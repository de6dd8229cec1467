package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

func (b *bed) erase(p *people.People, plan *people.Plan) *people.Receipt {
	b.t.Helper()
	r, err := p.Erase(b.t.Context(), plan, people.Orders{Now: now})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// An erasure marks the person first, erases the warehouses last, looks again everywhere,
// and leaves a receipt without identifiers.
func TestErase(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for range 3 {
		b.add("id=jo-42 email=jo@mail.example")
	}
	b.add("id=43")
	b.dead("warehouse", "email=jo@mail.example")
	b.dead("warehouse", "id=43")
	arriving := b.event("id=jo-42")
	b.warehouse.erase = func() privacy.Erased {
		if marks, err := b.conn.ListErased(t.Context()); err != nil || len(marks) != 2 || b.left() != 1 {
			t.Errorf("when the warehouse is erased: marks %v, %v, %d messages are left", marks, err, b.left())
		}
		return privacy.Erased{}
	}
	b.cfg.Step = func(step string) func(int64, int64) {
		b.steps = append(b.steps, step)
		if strings.HasPrefix(step, "look again in warehouse") && arriving != nil { // a row that was on its way
			b.row(arriving)
			arriving = nil
		}
		return nil
	}
	p := people.New(b.cfg)
	plan := b.plan(p, people.Choice{}, "id=jo-42")
	b.steps = nil
	r := b.erase(p, plan)
	want := []string{
		"mark the person as erased", "wait for the consumers", "erase in stream", "look again in stream",
		"erase in dead letters", "look again in dead letters", "erase in warehouse memory", "look again in warehouse memory",
		"erase in warehouse memory", "look again in warehouse memory",
	}
	if diff := cmp.Diff(want, b.steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	stores := []people.StoreReceipt{
		{Store: "stream", Found: 3, Erased: 3, Status: people.Clean},
		{Store: "dead letters", Found: 1, Erased: 1, Status: people.Clean},
		{Store: "warehouse memory", Found: 3, Erased: 4, Status: people.Clean},
	}
	if diff := cmp.Diff(stores, r.Stores); diff != "" || !r.Clean || b.left() != 1 || len(b.warehouse.rows) != 1 {
		t.Errorf("receipt %+v, %d messages and %d rows are left (-want +got):\n%s", r, b.left(), len(b.warehouse.rows), diff)
	}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text), "jo") || !strings.Contains(string(text), b.cfg.Key.Mark("acme", ids("id=jo-42")[0])) {
		t.Errorf("the receipt is %s, %v", text, err)
	}
}

// An erasure that is interrupted in any step is finished by the next one, under the same
// request.
func TestEraseAfterAnInterruption(t *testing.T) {
	t.Parallel()
	for step := range 8 {
		b := newBed(t)
		for range 3 {
			b.add("id=42 email=jo@mail.example")
		}
		b.dead("warehouse", "id=42")
		b.add("id=43")
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		cfg := b.cfg
		cfg.Step = func(string) func(int64, int64) {
			n++
			if n == step+4 { // three steps of the plan
				cancel()
			}
			return nil
		}
		p := people.New(cfg)
		plan := b.plan(p, people.Choice{}, "email=jo@mail.example")
		if _, err := p.Erase(ctx, plan, people.Orders{Now: now}); !errors.Is(err, context.Canceled) {
			t.Errorf("step %d: Erase: %v", step, err)
		}
		cancel()
		before, err := b.conn.ListErased(t.Context())
		if err != nil && !errors.Is(err, stream.ErrNoErased) {
			t.Fatal(err)
		}
		again := people.New(b.cfg)
		r := b.erase(again, b.plan(again, people.Choice{}, "email=jo@mail.example"))
		if !r.Clean || b.left() != 1 || len(b.warehouse.rows) != 1 {
			t.Errorf("step %d: %+v, %d messages and %d rows are left", step, r, b.left(), len(b.warehouse.rows))
		}
		if len(before) > 0 && before[0].Request != r.Request {
			t.Errorf("step %d: request %s goes on as %s", step, before[0].Request, r.Request)
		}
	}
}

// A mistaken secret puts no mark on a list of another secret: the mark would stop the
// warehouses of all workers.
func TestEraseWithAnotherSecret(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42")
	b.add("id=43")
	p := people.New(b.cfg)
	b.erase(p, b.plan(p, people.Choice{}, "id=42"))
	other, err := privacy.NewKey("k1", []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	right := *b.cfg.Key
	b.cfg.Key = &other
	p = people.New(b.cfg)
	if r, err := p.Erase(t.Context(), b.plan(p, people.Choice{}, "id=43"), people.Orders{Now: now}); err == nil || !strings.Contains(err.Error(), "the fingerprint of PRIVACY_KEY is") || b.left() != 1 {
		t.Errorf("Erase: %+v, %v, %d messages are left", r, err, b.left())
	}
	marks, err := b.conn.ListErased(t.Context())
	if err != nil || len(marks) != 1 || marks[0].Mark != right.Mark("acme", ids("id=42")[0]) {
		t.Errorf("the list is %v, %v", marks, err)
	}
}

// A warehouse that fails is in the receipt, and the others are erased.
func TestEraseNamesWhatIsNotClean(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42")
	p := people.New(b.cfg)
	plan := b.plan(p, people.Choice{}, "id=42")
	b.warehouse.err = errors.New("disk full")
	if r := b.erase(p, plan); r.Clean || r.Stores[2].Status != people.Failed || r.Stores[2].Note != "disk full" || r.Stores[0].Status != people.Clean {
		t.Errorf("receipt: %+v", r)
	}
	later := now.Add(48 * time.Hour)
	b.warehouse.err = nil
	b.warehouse.erase = func() privacy.Erased { return privacy.Erased{CleanAt: later, Note: "time travel"} }
	if r := b.erase(p, plan); !r.Clean || r.Stores[2].Status != people.CleanLater || !r.CleanAt.Equal(later) || r.Stores[2].Note != "time travel" {
		t.Errorf("receipt: %+v", r)
	}
}

// Nothing is erased while a warehouse of the pipeline is not named: the warehouse may know
// further identifiers.
func TestUnknownWarehouse(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42")
	if _, err := b.conn.OpenConsumer(t.Context(), "warehouse-parquet", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	if err := b.conn.SetStore(t.Context(), "warehouse-parquet", stream.Store{ID: "x", Place: "parquet host:/events"}); err != nil {
		t.Fatal(err)
	}
	p := people.New(b.cfg)
	person := &people.Person{Person: privacy.Person{Workspace: "acme", Identifiers: ids("id=42")}}
	plan, err := p.Plan(t.Context(), []*people.Person{person})
	if counts := plan.Counts[0]; !errors.Is(err, people.ErrUnread) || len(counts) != 4 || counts[3].Store != "warehouse parquet host:/events of consumer warehouse-parquet" || counts[3].Error == "" {
		t.Errorf("plan %+v, %v", counts, err)
	}
	if counts, err := p.Export(t.Context(), person, func(privacy.Record) error { return nil }); !errors.Is(err, people.ErrUnread) || len(counts) != 4 {
		t.Errorf("export %+v, %v", counts, err)
	}
}

// An erasure needs the key; forgetting one identifier forgets the person, and nobody else.
func TestForget(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42 email=jo@mail.example")
	b.add("id=43 email=ann@mail.example")
	p := people.New(b.cfg)
	if list, err := p.Erasures(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("the list at the start: %v, %v", list, err)
	}
	jo, ann := b.plan(p, people.Choice{}, "id=42").Persons[0], b.plan(p, people.Choice{}, "id=43").Persons[0]
	plan, err := p.Plan(t.Context(), []*people.Person{jo, ann})
	if err != nil {
		t.Fatal(err)
	}
	both := b.erase(p, plan)
	if entries, err := p.Erased(t.Context(), "acme", ids("id=44")); err != nil || len(entries) != 0 {
		t.Errorf("entries of somebody else: %v, %v", entries, err)
	}
	again := b.erase(p, &people.Plan{Persons: []*people.Person{ann}, Counts: plan.Counts[1:]})
	if again.Request == both.Request {
		t.Error("the second of two persons goes on as the first")
	}
	entries, err := p.Erased(t.Context(), "acme", ids("email=jo@mail.example"))
	if err != nil || len(entries) != 2 {
		t.Errorf("entries: %v, %v", entries, err)
	}
	if err := p.Forget(t.Context(), entries); err != nil {
		t.Error(err)
	}
	list, err := p.Erasures(t.Context())
	if err != nil || len(list) != 2 || !slices.ContainsFunc(list, func(e privacy.Erasure) bool { return e.Mark == b.cfg.Key.Mark("acme", ids("id=43")[0]) }) {
		t.Errorf("the list is %v, %v", list, err)
	}
	b.cfg.Key = nil
	if _, err := people.New(b.cfg).Erase(t.Context(), plan, people.Orders{Now: now}); !errors.Is(err, people.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

// Workers know the marks of an erasure that was begun long ago: the next run does not wait.
func TestEraseDoesNotWaitTwice(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if _, err := b.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	p := people.New(b.cfg)
	plan := b.plan(p, people.Choice{}, "id=42")
	first := b.erase(p, plan)
	b.cfg.Settle = time.Hour
	b.steps = nil
	second, err := people.New(b.cfg).Erase(t.Context(), plan, people.Orders{Now: now.Add(2 * time.Hour)})
	if err != nil || second.Request != first.Request || slices.Contains(b.steps, "wait until the workers know") {
		t.Errorf("%+v, %v, steps %v", second, err, b.steps)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.cfg.Step = func(step string) func(int64, int64) {
		if step == "wait until the workers know" {
			cancel()
		}
		return nil
	}
	if _, err := people.New(b.cfg).Erase(ctx, plan, people.Orders{Now: now.Add(time.Minute)}); !errors.Is(err, context.Canceled) {
		t.Errorf("a minute after the marks: %v, want a wait", err)
	}
}
