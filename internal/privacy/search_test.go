package privacy_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A search decides as Person.Matches, for several persons, and finds hashed values by the
// key.
func TestSearch(t *testing.T) {
	t.Parallel()
	key, err := privacy.NewKey("k1", bytes.Repeat([]byte("x"), 32))
	if err != nil {
		t.Fatal(err)
	}
	ann := privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "ann"}, {Kind: privacy.Email, Value: "ann@example.com"}}}
	bob := privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.Phone, Value: "+15550100"}}}
	for _, c := range []struct {
		name      string
		workspace string
		event     webhook.Event
		want      int // -1 for nobody
	}{
		{"an id", "w", webhook.Event{CustomerID: "ann"}, 0},
		{"another workspace", "v", webhook.Event{CustomerID: "ann"}, -1},
		{"a hashed id", "w", webhook.Event{CustomerID: key.Hash("ann")}, 0},
		{"a hash of somebody else", "w", webhook.Event{CustomerID: key.Hash("anna"), Recipient: "ann@example.com"}, -1},
		{"an address in another spelling", "w", webhook.Event{Identifiers: webhook.Identifiers{Email: "Ann <ANN@example.com>"}}, 0},
		{"a hashed recipient", "w", webhook.Event{Recipient: key.Hash("ann@example.com")}, 0},
		{"a phone number", "w", webhook.Event{ObjectType: webhook.SMS, Recipient: "+15550100"}, 1},
		{"nobody", "w", webhook.Event{}, -1},
	} {
		got, ok := privacy.NewSearch([]privacy.Person{ann, bob}, &key).Match(c.workspace, &c.event)
		if !ok {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: person %d; want %d", c.name, got, c.want)
		}
	}
	texts := privacy.NewSearch([]privacy.Person{ann, bob, ann}, &key).Texts(privacy.ID)
	if want := []string{"ann", key.Hash("ann")}; !slices.Equal(texts, want) {
		t.Errorf("texts of ids are %q; want %q", texts, want)
	}
}
