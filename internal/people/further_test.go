package people_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
)

// The search for identifiers takes a single step. Identifiers beyond it stand in events to
// be erased, and nothing leads to them after the erasure: the plan and the receipt say so.
func TestFurtherIdentifiers(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, e := range []string{
		"id=p42 email=ph@x.example", "id=p42 phone=+491707654321", "id=p42 email=ph-new@x.example",
		"phone=+491707654321", "email=ph-new@x.example", "email=ph-new@x.example", "id=43 email=ann@x.example",
	} {
		b.add(e)
	}
	p := people.New(b.cfg)
	plan := b.plan(p, people.Choice{}, "email=ph@x.example")
	if diff := cmp.Diff(ids("email=ph-new@x.example", "phone=+491707654321"), plan.Persons[0].Further); diff != "" {
		t.Errorf("further identifiers (-want +got):\n%s", diff)
	}
	stay := map[string]int64{}
	for _, c := range plan.Counts[0] {
		stay[c.Store] = c.Stay
	}
	if diff := cmp.Diff(map[string]int64{"stream": 3, "dead letters": 0, "warehouse memory": 3}, stay); diff != "" {
		t.Errorf("events that stay (-want +got):\n%s", diff)
	}
	r := b.erase(p, plan)
	mark := people.Mark{Kind: privacy.Email, Mark: b.cfg.Key.Mark("acme", ids("email=ph-new@x.example")[0])}
	if further := r.Persons[0].Further; len(further) != 2 || further[0] != mark || r.Stores[0].Stay != 3 || r.Stores[0].Erased != 3 || b.left() != 4 {
		t.Errorf("receipt %+v, %d messages are left", r, b.left())
	}
	if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), "x.example") || strings.Contains(string(text), "7654321") {
		t.Errorf("the receipt is %s, %v", text, err)
	}
	marks, err := b.conn.ListErased(t.Context())
	if err != nil || len(marks) != 2 {
		t.Errorf("marks %v, %v: want those of the id and the first address", marks, err)
	}
}

func TestFurtherIdentifiersOfChoices(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, e := range []string{"id=8 email=family@x.example", "id=9 email=family@x.example", "id=9 phone=+1555", "phone=+1555 email=work@x.example"} {
		b.add(e)
	}
	p := people.New(b.cfg)
	for _, tt := range []struct {
		given  []string
		choice people.Choice
		want   []privacy.Identifier
	}{
		{[]string{"id=8"}, people.Choice{}, nil}, // the others of the address are listed as Others
		{[]string{"id=8"}, people.Choice{Exact: true}, ids("email=family@x.example")},
		{[]string{"id=8", "email=family@x.example"}, people.Choice{All: true}, ids("email=work@x.example")},
		{[]string{"id=8", "id=9", "email=family@x.example", "phone=+1555", "email=work@x.example"}, people.Choice{}, nil},
	} {
		got, err := p.Resolve(t.Context(), "acme", ids(tt.given...), tt.choice)
		if diff := cmp.Diff(tt.want, got.Further); diff != "" || err != nil {
			t.Errorf("%v %+v: %v (-want +got):\n%s", tt.given, tt.choice, err, diff)
		}
	}
}
