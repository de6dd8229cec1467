package privacy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestParseIdentifier(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind        privacy.Kind
		value, want string // want is "" for a refusal
	}{
		{privacy.ID, " Ann ", "Ann"},
		{privacy.ID, "42", "42"},
		{privacy.ID, "4", ""},
		{privacy.ID, " ", ""},
		{privacy.ID, "é", ""},
		{privacy.CioID, "cio_c10a", "c10a"},
		{privacy.CioID, "cio_c", ""},
		{privacy.CioID, "cio_", ""},
		{privacy.Phone, "+15550100\n", "+15550100"},
		{privacy.Email, "Ann Lee <Ann@Mail.Example>", "ann@mail.example"},
		{privacy.Email, "ÄNN@mail.example", "änn@mail.example"},
		{privacy.Email, "\u212aen@mail.example", "\u212aen@mail.example"},
		{privacy.Email, "ann", ""},
		{privacy.Email, "ann@mail.example, bob@mail.example", ""},
		{privacy.Email, "", ""},
	} {
		got, err := privacy.ParseIdentifier(c.kind, c.value)
		want := privacy.Identifier{Kind: c.kind, Value: c.want}
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%s %q is accepted as %q", c.kind, c.value, got.Value)
		case c.want == "" && len(c.value) > 5 && strings.Contains(err.Error(), c.value):
			t.Errorf("the error of %s tells the value: %v", c.kind, err)
		case c.want != "" && (err != nil || got != want):
			t.Errorf("%s %q is %v, %v; want %v", c.kind, c.value, got, err, want)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"all":                 {`{"object_type":"email","metric":"sent","data":{"identifiers":{"id":"a1","email":"A@x.example","cio_id":"c1","phone":"+1"},"recipient":"b@x.example"}}`, "id a1, email a@x.example, cio_id c1, phone +1"},
		"deprecated id":       {`{"object_type":"email","metric":"sent","data":{"customer_id":"a1"}}`, "id a1"},
		"both ids":            {`{"object_type":"email","metric":"sent","data":{"customer_id":"old","identifiers":{"id":"a1"}}}`, "id a1"},
		"no address":          {`{"object_type":"email","metric":"sent","data":{"identifiers":{"email":"a"},"recipient":"b@x.example"}}`, "email a"},
		"blank":               {`{"object_type":"email","metric":"sent","data":{"customer_id":" ","recipient":"Ann <B@x.example>"}}`, "email b@x.example"},
		"recipient of an SMS": {`{"object_type":"sms","metric":"sent","data":{"recipient":"+15550100"}}`, "phone +15550100"},
		"webhook":             {`{"object_type":"webhook","metric":"sent","data":{"recipient":"https://x.example"}}`, ""},
		"several recipients":  {`{"object_type":"email","metric":"sent","data":{"recipient":"a@x.example, b@x.example"}}`, ""},
		"subscription":        {`{"object_type":"customer","metric":"unsubscribed","data":{"email_address":"a@x.example"}}`, "email a@x.example"},
	} {
		e, err := webhook.Parse([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, id := range privacy.Owner(e) {
			got = append(got, string(id.Kind)+" "+id.Value)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

func TestPersonMatches(t *testing.T) {
	t.Parallel()
	p := privacy.Person{Workspace: "acme", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "a1"}, {Kind: privacy.Email, Value: "a@x.example"}}}
	for name, c := range map[string]struct {
		workspace, body string
		want            bool
	}{
		"one identifier":          {"acme", `{"identifiers":{"id":"a1"},"recipient":"b@x.example"}`, true},
		"one of two":              {"acme", `{"identifiers":{"id":"other","email":"A@X.example"}}`, true},
		"escaped":                 {"acme", `{"identifiers":{"email":"a\u0040x.example"}}`, true},
		"recipient alone":         {"acme", `{"recipient":"a@x.example"}`, true},
		"somebody else's message": {"acme", `{"identifiers":{"id":"b1"},"recipient":"a@x.example"}`, false},
		"another workspace":       {"other", `{"identifiers":{"id":"a1"}}`, false},
		"another case of an id":   {"acme", `{"identifiers":{"id":"A1"}}`, false},
		"another kind":            {"acme", `{"identifiers":{"cio_id":"a1"}}`, false},
	} {
		e, err := webhook.Parse([]byte(`{"object_type":"email","metric":"sent","data":` + c.body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches(c.workspace, e); got != c.want {
			t.Errorf("%s: Matches returns %v", name, got)
		}
	}
}

// FuzzAddress checks that two texts have one Address exactly if SameMailbox takes them for
// one mailbox, with letters whose cases have equal numbers of bytes.
func FuzzAddress(f *testing.F) {
	f.Add("Ann@x.example", "ann@X.example")
	f.Add("\u212aen@x.example", "ken@x.example")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := privacy.Address(a), privacy.Address(b)
		if privacy.Address(x) != x {
			t.Errorf("Address of %q is %q, and of the result %q", a, x, privacy.Address(x))
		}
		if _, ok := webhook.AddrSpec(a); ok && x == y && !webhook.SameMailbox(a, b) {
			t.Errorf("%q and %q have one Address, and are two mailboxes", a, b)
		}
	})
}
