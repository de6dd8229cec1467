package stream

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// spellings are bodies about a person or about somebody else, in every spelling that a
// parser reads.
var spellings = []string{
	`{"data":{"identifiers":{"email":"Jo.Doe@Example.com"}}}`,
	`{"data":{"identifiers":{"email":"jo.doe\u0040example.com"}}}`,
	`{"data":{"identifiers":{"email":"\u006ao.doe@example.com"}}}`,
	`{"data":{"identifiers":{"email":"Jo <jo.doe@example.com>"}}}`,
	`{"data":{"identifiers":{"email":"jo.doe@ example.com"}}}`,
	`{"data":{"identifiers":{"email":"\"jo.doe\"@example.com"}}}`,
	`{"data":{"identifiers":{"email":"jo.doe@example.org"}}}`,
	`{"data":{"identifiers":{"id":"Ünï-7"}}}`,
	`{"data":{"identifiers":{"id":"ünï-7"}}}`,
	`{"data":{"customer_id":4711}}`,
	`{"data":{"customer_id":47110}}`,
	`{"data":{"customer_id":"4\u003711"}}`,
	`{"data":{"identifiers":{"cio_id":"cio_c10a7"}}}`,
	`{"data":{"identifiers":{"phone":" +15550107 "}}}`,
	`{"object_type":"sms","data":{"recipient":"+15550107"}}`,
	`{"object_type":"email","data":{"recipient":"JO.DOE@EXAMPLE.COM"}}`,
	`{"object_type":"email","data":{"recipient":"jo.doe@example.com","identifiers":{"id":"another"}}}`,
	`{"data":{"email_address":"jo.doe@example.com"},"metric":"unsubscribed"}`,
	`{"customer_id":"4711","metric":"opened"}`,
	`{"data":{"subject":"for jo.doe@example.com"}}`,
	`{"data":{"identifiers":{"email":"jo.doe@example.com"}`, // no JSON
	`{}`,
}

func aPerson() privacy.Person {
	p := privacy.Person{Workspace: "acme"}
	for kind, values := range map[privacy.Kind][]string{
		privacy.Email: {"jo.doe@example.com"}, privacy.ID: {"Ünï-7", "4711"}, privacy.CioID: {"c10a7"}, privacy.Phone: {"+15550107"},
	} {
		for _, v := range values {
			id, err := privacy.ParseIdentifier(kind, v)
			if err != nil {
				panic(err)
			}
			p.Identifiers = append(p.Identifiers, id)
		}
	}
	return p
}

// The matcher decides as Person.Matches does, whatever it does not parse.
func TestMatcherIsPersonMatches(t *testing.T) {
	t.Parallel()
	m := newMatcher([]privacy.Person{aPerson(), {Workspace: "other", Identifiers: aPerson().Identifiers}})
	hits := 0
	for _, body := range spellings {
		for i, workspace := range []string{"acme", "other", "third"} {
			checkMatch(t, m, i, workspace, body)
			if _, _, ok := m.match(workspace, []byte(body)); ok {
				hits++
			}
		}
	}
	if hits != 2*15 {
		t.Errorf("%d matches, want 15 in each of two workspaces", hits)
	}
}

func checkMatch(t *testing.T, m *matcher, i int, workspace, body string) {
	t.Helper()
	p := aPerson()
	p.Workspace = workspace
	e, err := webhook.Parse([]byte(body))
	want := err == nil && i < 2 && p.Matches(workspace, e)
	got, _, ok := m.match(workspace, []byte(body))
	if ok != want || ok && !slices.Equal(got, []int{i}) {
		t.Errorf("match(%s, %s) = persons %d, %v; want person %d, %v", workspace, body, got, ok, i, want)
	}
}

func FuzzMatcher(f *testing.F) {
	for _, body := range spellings {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		m := newMatcher([]privacy.Person{aPerson()})
		checkMatch(t, m, 0, "acme", body)
		checkMatch(t, m, 0, "acme", fmt.Sprintf(`{"data":{"identifiers":{"email":%q}}}`, body))
		checkMatch(t, m, 0, "acme", strings.ReplaceAll(spellings[0], "Jo.Doe", body))
	})
}
