package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// limits are those of a fetch.
var limits = event.Limits{Messages: 100, Linger: 100 * time.Millisecond, Wait: 300 * time.Millisecond}

// A memory is a warehouse in memory. The real ones are in test/integration.
type memory struct {
	rows  []*webhook.Event
	err   error
	erase func() privacy.Erased // called before the rows are erased; nil for nothing
}

func (*memory) Name() string { return "warehouse memory" }

func (m *memory) Related(_ context.Context, workspace string, ids []privacy.Identifier) (list [][]privacy.Identifier, err error) {
	for _, e := range m.rows {
		if found := privacy.Identify(e); len(found) > 0 && (privacy.Person{Workspace: workspace, Identifiers: ids}).Matches(workspace, e) {
			list = append(list, found)
		}
	}
	return list, m.err
}

func (m *memory) Find(_ context.Context, persons []privacy.Person) ([]privacy.Found, error) {
	tally := privacy.NewTally[int](len(persons))
	for i, e := range m.rows {
		of, _ := privacy.NewSearch(persons, nil).Match("acme", e)
		tally.Add(of, i, time.Time{})
	}
	return tally.Found(), m.err
}

func (m *memory) Export(_ context.Context, p privacy.Person, to func(privacy.Record) error) error {
	for _, e := range m.rows {
		if p.Matches("acme", e) {
			if err := to(privacy.Record{Store: m.Name(), EventID: e.ID, Metric: string(e.Metric), Body: e.Raw}); err != nil {
				return err
			}
		}
	}
	return m.err
}

func (m *memory) Erase(_ context.Context, persons []privacy.Person, _ privacy.EraseOptions) (e privacy.Erased, err error) {
	if m.erase != nil {
		e = m.erase()
	}
	before := len(m.rows)
	m.rows = slices.DeleteFunc(m.rows, func(row *webhook.Event) bool {
		return slices.ContainsFunc(persons, func(p privacy.Person) bool { return p.Matches("acme", row) })
	})
	e.Events = int64(before - len(m.rows))
	return e, m.err
}

// A bed is a stream with a warehouse.
type bed struct {
	t         *testing.T
	srv       *streamtest.Server
	conn      *stream.Conn
	pub       *stream.Publisher
	warehouse *memory
	steps     []string
	cfg       people.Config
	n         int
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, srv: streamtest.Start(t), warehouse: &memory{}}
	b.conn = b.srv.Connect(stream.Settings{})
	var err error
	if b.pub, err = stream.NewPublisher(b.conn, 0); err != nil {
		t.Fatal(err)
	}
	key, err := privacy.NewKey("k1", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	b.cfg = people.Config{
		Conn: b.conn, Warehouses: []people.Warehouse{{Store: b.warehouse, Consumer: "warehouse"}}, Key: &key,
		Wait: 300 * time.Millisecond, Settle: time.Millisecond,
		Step: func(step string) func(int64, int64) { b.steps = append(b.steps, step); return nil },
	}
	return b
}

// event returns a message with identifiers, "id=42 email=jo@mail.example".
func (b *bed) event(identifiers string) *event.Message {
	b.t.Helper()
	b.n++
	ids := map[string]string{}
	for word := range strings.FieldsSeq(identifiers) {
		kind, value, _ := strings.Cut(word, "=")
		ids[kind] = value
	}
	body, err := json.Marshal(map[string]any{
		"event_id": fmt.Sprintf("e%d", b.n), "metric": "opened", "object_type": "email", "timestamp": now.Unix(),
		"data": map[string]any{"identifiers": ids, "recipient": "jo@mail.example"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	m := &event.Message{Workspace: "acme", ReceivedAt: now, Body: body}
	if err := m.Index(); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// add stores an event in the stream and in the warehouse.
func (b *bed) add(identifiers string) {
	b.t.Helper()
	m := b.event(identifiers)
	if _, err := b.pub.Publish(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
	b.row(m)
}

func (b *bed) row(m *event.Message) {
	b.t.Helper()
	e, err := webhook.Parse(m.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.warehouse.rows = append(b.warehouse.rows, e)
}

func (b *bed) dead(from, identifiers string) {
	b.t.Helper()
	d := event.DeadLetter{Message: *b.event(identifiers), From: from, Reason: fault.ReasonRejected, StoredAt: now, DiedAt: now}
	if err := b.pub.StoreDeadLetter(b.t.Context(), &d); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) left() (messages uint64) {
	b.t.Helper()
	s, err := b.conn.Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Stream.Messages
}

func ids(words ...string) (list []privacy.Identifier) {
	for _, word := range words {
		kind, value, _ := strings.Cut(word, "=")
		list = append(list, privacy.Identifier{Kind: privacy.Kind(kind), Value: value})
	}
	return list
}

// plan resolves and counts a person.
func (b *bed) plan(p *people.People, c people.Choice, words ...string) *people.Plan {
	b.t.Helper()
	person, err := p.Resolve(b.t.Context(), "acme", ids(words...), c)
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := p.Plan(b.t.Context(), []*people.Person{person})
	if err != nil {
		b.t.Fatal(err)
	}
	return plan
}

// The identifiers of one event belong to one person; a shared address to several.
func TestResolve(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, e := range []string{
		"id=42 email=jo@mail.example cio_id=x1", "cio_id=x1 email=old@mail.example", "cio_id=x1 phone=+1555",
		"id=7 email=ann@mail.example", "email=ann@mail.example", // an address alone is no further person
		"id=8 cio_id=x8 email=family@mail.example", "id=9 cio_id=x9 email=family@mail.example", "id=9 cio_id=x9b",
	} {
		b.add(e)
	}
	p := people.New(b.cfg)
	for _, tt := range []struct {
		given  []string
		choice people.Choice
		want   []string
		others int
	}{
		{[]string{"id=42"}, people.Choice{}, []string{"id=42", "email=jo@mail.example", "cio_id=x1"}, 0},
		{[]string{"cio_id=x1"}, people.Choice{}, []string{"id=42", "email=jo@mail.example", "email=old@mail.example", "cio_id=x1", "phone=+1555"}, 0},
		{[]string{"email=ann@mail.example"}, people.Choice{}, []string{"id=7", "email=ann@mail.example"}, 0},
		{[]string{"email=family@mail.example"}, people.Choice{}, []string{"id=8", "id=9", "email=family@mail.example", "cio_id=x8", "cio_id=x9"}, 2},
		{[]string{"email=family@mail.example"}, people.Choice{Exact: true}, []string{"email=family@mail.example"}, 2},
		{[]string{"email=family@mail.example"}, people.Choice{All: true}, []string{"id=8", "id=9", "email=family@mail.example", "cio_id=x8", "cio_id=x9", "cio_id=x9b"}, 0},
		{[]string{"id=8"}, people.Choice{}, []string{"id=8", "email=family@mail.example", "cio_id=x8"}, 1},
		{[]string{"id=8"}, people.Choice{Exact: true}, []string{"id=8"}, 0},
		{[]string{"id=8", "id=9"}, people.Choice{}, []string{"id=8", "id=9", "email=family@mail.example", "cio_id=x8", "cio_id=x9", "cio_id=x9b"}, 0},
		{[]string{"id=nobody"}, people.Choice{}, []string{"id=nobody"}, 0},
		{[]string{"id=77", "email=ann@mail.example"}, people.Choice{}, []string{"id=7", "id=77", "email=ann@mail.example"}, 1}, // ann has another id
		{[]string{"id=77", "email=ann@mail.example"}, people.Choice{Exact: true}, []string{"id=77", "email=ann@mail.example"}, 1},
		{[]string{"cio_id=x77", "email=ann@mail.example"}, people.Choice{}, []string{"id=7", "email=ann@mail.example", "cio_id=x77"}, 0},
	} {
		got, err := p.Resolve(t.Context(), "acme", ids(tt.given...), tt.choice)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ids(tt.want...), got.Identifiers); diff != "" || len(got.Others) != tt.others {
			t.Errorf("%v %+v: %d others, want %d; identifiers (-want +got):\n%s", tt.given, tt.choice, len(got.Others), tt.others, diff)
		}
	}
}

// A store that cannot be read does not keep the others from being read.
func TestFindAndExport(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=42")
	b.row(b.event("id=42")) // too old for the stream
	b.add("id=43")
	b.dead("suppression", "id=42")
	p := people.New(b.cfg)
	counts, err := p.Find(t.Context(), []*people.Person{{Person: privacy.Person{Workspace: "acme", Identifiers: ids("id=42")}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, c := range counts[0] {
		got[c.Store] = c.Events
	}
	if diff := cmp.Diff(map[string]int64{"stream": 1, "dead letters": 1, "warehouse memory": 2}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	b.warehouse.err = errors.New("file is broken")
	person := &people.Person{Person: privacy.Person{Workspace: "acme", Identifiers: ids("id=42")}}
	if counts, err = p.Find(t.Context(), []*people.Person{person}); !errors.Is(err, people.ErrUnread) || counts[0][2].Error != "file is broken" || counts[0][0].Events != 1 {
		t.Errorf("with a broken warehouse: %+v, %v", counts, err)
	}
	var exported []string
	export, err := p.Export(t.Context(), person, func(r privacy.Record) error {
		exported = append(exported, r.Store+" "+r.EventID)
		return nil
	})
	if diff := cmp.Diff([]string{"stream e1", "dead letters e4", "warehouse memory e2"}, exported); diff != "" || !errors.Is(err, people.ErrUnread) || export[2].Known != 1 {
		t.Errorf("exported %+v, %v (-want +got):\n%s", export, err, diff)
	}
}

// Nothing is erased when the identifiers may be wrong, or when an effect would be lost.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.add("id=8 email=family@mail.example")
	b.add("id=9 email=family@mail.example")
	b.dead("warehouse", "id=8")
	p := people.New(b.cfg)
	if err := b.plan(p, people.Choice{Exact: true}, "id=8").Check(people.Consent{}); err != nil {
		t.Errorf("one of two persons by the id alone: %v", err)
	}
	if err := b.plan(p, people.Choice{}, "email=family@mail.example").Check(people.Consent{Many: true, DropEffects: true}); !errors.Is(err, people.ErrSeveral) {
		t.Errorf("two persons behind an address: %v", err)
	}
	b.dead("suppression", "id=9")
	plan := b.plan(p, people.Choice{All: true}, "email=family@mail.example")
	if err := plan.Check(people.Consent{}); !errors.Is(err, people.ErrEffects) || len(plan.Effects) != 1 || plan.Effects[0].From != "suppression" {
		t.Errorf("with a dead letter of suppression: %+v, %v", plan.Effects, err)
	}
	if err := plan.Check(people.Consent{DropEffects: true}); err != nil {
		t.Errorf("with --drop-effects: %v", err)
	}
	plan.Counts[0][0].Events = 10_001
	if err := plan.Check(people.Consent{DropEffects: true}); !errors.Is(err, people.ErrMany) {
		t.Errorf("with 10,001 events: %v", err)
	}
	if _, err := p.Erase(t.Context(), plan, people.Orders{Now: now}); !errors.Is(err, people.ErrMany) || b.left() != 2 {
		t.Errorf("Erase: %v, %d messages left", err, b.left())
	}
}
