package people_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
)

// hashed is a memory that has found a person, with hashed identifiers.
type hashed struct {
	memory
	found []privacy.Identifier
}

func (h *hashed) Related(context.Context, string, []privacy.Identifier) ([][]privacy.Identifier, error) {
	return [][]privacy.Identifier{slices.Clone(h.found)}, nil
}

// A hash of a given identifier is the identifier, and no other person.
func TestResolveHashes(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	id, email := privacy.Identifier{Kind: privacy.ID, Value: b.cfg.Key.Hash("42")}, privacy.Identifier{Kind: privacy.Email, Value: b.cfg.Key.Hash("jo@mail.example")}
	b.cfg.Warehouses[0].Store = &hashed{found: []privacy.Identifier{id, email}}
	p := people.New(b.cfg)
	for _, tt := range []struct {
		given  []privacy.Identifier
		want   []privacy.Identifier
		hashed bool
		others int
	}{
		{ids("id=42"), append(ids("id=42"), email), true, 0},
		{ids("id=42", "email=jo@mail.example"), ids("id=42", "email=jo@mail.example"), false, 0},
		{ids("id=43", "email=jo@mail.example"), append([]privacy.Identifier{ids("id=43")[0], id}, ids("email=jo@mail.example")...), true, 1},
	} {
		got, err := p.Resolve(t.Context(), "acme", tt.given, people.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got.Identifiers); diff != "" || got.Hashed != tt.hashed || len(got.Others) != tt.others {
			t.Errorf("%v: hashed %v, others %v (-want +got):\n%s", tt.given, got.Hashed, got.Others, diff)
		}
	}
}
