package people_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
)

// With another secret no mark is found. "Nobody was erased" would be wrong.
func TestErasedWithAnotherSecret(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	other, err := privacy.NewKey("k1", []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := b.cfg
	cfg.Key = &other
	mistaken := people.New(cfg)
	if entries, err := mistaken.Erased(t.Context(), "acme", ids("id=42")); err != nil || len(entries) != 0 {
		t.Errorf("an empty list: %v, %v", entries, err)
	}
	b.add("id=42")
	p := people.New(b.cfg)
	b.erase(p, b.plan(p, people.Choice{}, "id=42"))
	right, _, _ := strings.Cut(b.cfg.Key.Mark("acme", ids("id=42")[0]), ":")
	wrong, _, _ := strings.Cut(other.Mark("acme", ids("id=42")[0]), ":")
	if entries, err := mistaken.Erased(t.Context(), "acme", ids("id=42")); err == nil || !strings.Contains(err.Error(), right) || !strings.Contains(err.Error(), wrong) {
		t.Errorf("another secret: %v, %v, want the fingerprints %s and %s", entries, err, right, wrong)
	}
}
