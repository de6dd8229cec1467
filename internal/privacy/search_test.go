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
	family := privacy.Identifier{Kind: privacy.Email, Value: "family@example.com"}
	ann := privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "ann"}, {Kind: privacy.Email, Value: "ann@example.com"}, family}}
	bob := privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.Phone, Value: "+15550100"}, family}}
	for _, c := range []struct {
		name      string
		workspace string
		event     webhook.Event
		want      []int
	}{
		{"an id", "w", webhook.Event{CustomerID: "ann"}, []int{0}},
		{"another workspace", "v", webhook.Event{CustomerID: "ann"}, nil},
		{"a hashed id", "w", webhook.Event{CustomerID: key.Hash("ann")}, []int{0}},
		{"a hash of somebody else", "w", webhook.Event{CustomerID: key.Hash("anna"), Recipient: "ann@example.com"}, nil},
		{"an address in another spelling", "w", webhook.Event{Identifiers: webhook.Identifiers{Email: "Ann <ANN@example.com>"}}, []int{0}},
		{"a hashed recipient", "w", webhook.Event{Recipient: key.Hash("ann@example.com")}, []int{0}},
		{"a phone number", "w", webhook.Event{ObjectType: webhook.SMS, Recipient: "+15550100"}, []int{1}},
		{"an address in common", "w", webhook.Event{Recipient: "family@example.com"}, []int{0, 1}},
		{"one of each", "w", webhook.Event{CustomerID: "ann", Identifiers: webhook.Identifiers{Phone: "+15550100"}}, []int{0, 1}},
		{"nobody", "w", webhook.Event{}, nil},
	} {
		got, ok := privacy.NewSearch([]privacy.Person{ann, bob}, &key).Match(c.workspace, &c.event)
		if !slices.Equal(got, c.want) || ok != (len(c.want) > 0) {
			t.Errorf("%s: persons %d, %v; want %d", c.name, got, ok, c.want)
		}
	}
	texts := privacy.NewSearch([]privacy.Person{ann, bob, ann}, &key).Texts(privacy.ID)
	if want := []string{"ann", key.Hash("ann")}; !slices.Equal(texts, want) {
		t.Errorf("texts of ids are %q; want %q", texts, want)
	}
}
