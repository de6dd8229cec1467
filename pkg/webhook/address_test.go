package webhook_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/pkg/webhook"
)

var mailboxes = []struct {
	name, text, want string // want is "" for a text without exactly one mailbox
}{
	{"bare", "joe@example.com", "joe@example.com"},
	{"spelling is kept", "Joe@Example.com", "Joe@Example.com"},
	{"white space around", " joe@example.com\r\n", "joe@example.com"},
	{"display name", "Joe Doe <joe@example.com>", "joe@example.com"},
	{"quoted display name", `"Doe, Joe" <joe@example.com>`, "joe@example.com"},
	{"quoted address as display name", `"ops@example.com, x" <joe@example.com>`, "joe@example.com"},
	{"encoded display name", "=?utf-8?q?J=C3=B6rg?= <joerg@example.com>", "joerg@example.com"},
	{"angle brackets only", "<joe@example.com>", "joe@example.com"},
	{"comment", "joe@example.com (Joe Doe)", "joe@example.com"},
	{"tag", "joe+news@example.com", "joe+news@example.com"},
	{"quoted local part", `Joe <"joe doe"@example.com>`, `"joe doe"@example.com`},
	{"needless quotes", `"joe"@example.com`, "joe@example.com"},
	{"domain literal", "joe@[192.0.2.1]", "joe@[192.0.2.1]"},
	{"international", "jörg@bücher.example", "jörg@bücher.example"},
	{"host without a dot", "root@localhost", "root@localhost"},
	{"group with one mailbox", "Team: joe@example.com;", "joe@example.com"},

	// What mail software writes against RFC 5322.
	{"comma without quotes", "Doe, Jane <jane@example.com>", "jane@example.com"},
	{"brackets without quotes", "Jane [Ops] <jane@example.com>", "jane@example.com"},
	{"address as display name", "jane@example.com <jane@example.com>", "jane@example.com"},
	{"address in apostrophes", "'jane@example.com' <jane@example.com>", "jane@example.com"},
	{"unknown character set", "=?x-none?q?J=F6rg?= <joerg@example.com>", "joerg@example.com"},
	{"quote without an end", `"Jane <jane@example.com>`, "jane@example.com"},
	{"space in the brackets", "Doe, Jane < jane@example.com >", "jane@example.com"},
	{"dots in a row", "joe..doe@example.com", "joe..doe@example.com"},
	{"dot at the end", "Joe <joe.@example.com>", "joe.@example.com"},

	{"several", "joe@example.com, ops@example.com", ""},
	{"several, semicolon", "joe@example.com; ops@example.com", ""},
	{"several, space", "joe@example.com ops@example.com", ""},
	{"several, line end", "joe@example.com\nops@example.com", ""},
	{"several, no space", "joe@example.com,ops@example.com", ""},
	{"several with names", "Joe <joe@example.com>, Ops <ops@example.com>", ""},
	{"several, name on the last", "ops@example.com, Joe <joe@example.com>", ""},
	{"several, name on the first", "Joe <joe@example.com>, ops@example.com", ""},
	{"the same twice", "joe@example.com, joe@example.com", ""},
	{"group", "Team: joe@example.com, ops@example.com;", ""},
	{"two at signs", "joe@ops@example.com", ""},
	{"empty", "", ""},
	{"blank", " ", ""},
	{"name only", "Joe Doe", ""},
	{"no local part", "@example.com", ""},
	{"no domain", "joe@", ""},
	{"empty brackets", "Joe <>", ""},
	{"open bracket", "Joe <joe@example.com", ""},
	{"phone number", "+15551234567", ""},
	{"text of 3 KiB", strings.Repeat("x", 3<<10) + " <joe@example.com>", ""},
}

func TestAddrSpec(t *testing.T) {
	t.Parallel()
	for _, c := range mailboxes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := webhook.AddrSpec(c.text); got != c.want || ok != (c.want != "") {
				t.Errorf("AddrSpec(%q) = %q, %v; want %q", c.text, got, ok, c.want)
			}
		})
	}
}

func TestSameMailbox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"joe@example.com", "joe@example.com", true},
		{"Me Myself <me@mine.example>", "Me@Mine.example", true},
		{`"joe"@example.com`, "joe@example.com", true},
		{"JÖRG@example.com", "jörg@example.com", true},
		{"\u212a@example.com", "k@example.com", false},
		{"ops@other.example\nMe <me@mine.example>", "me@mine.example", false},
		{"ops@other.example Me <me@mine.example>", "me@mine.example", false},
		{"ops@other.example | Me <me@mine.example>", "me@mine.example", false},
		{"ops@other.example\uff0c Me <me@mine.example>", "me@mine.example", false},
		{"joe@example.com", "ops@example.com", false},
		{"joe@example.com", "joe@example.org", false},
		{"joe+news@example.com", "joe@example.com", false},
		{"joe@example.com, ops@example.com", "joe@example.com", false},
		{"joe@example.com, ops@example.com", "joe@example.com, ops@example.com", false},
		{"", "", false},
	} {
		if got, back := webhook.SameMailbox(c.a, c.b), webhook.SameMailbox(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("SameMailbox(%q, %q) = %v, the other way round %v; want %v", c.a, c.b, got, back, c.want)
		}
	}
}

// FuzzAddrSpec checks that an address is its own AddrSpec, fits on one line and is the
// same mailbox as the text that contains it.
func FuzzAddrSpec(f *testing.F) {
	for _, c := range mailboxes {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, ok := webhook.AddrSpec(s)
		if !ok {
			if spec != "" {
				t.Fatalf("AddrSpec(%q) = %q, false", s, spec)
			}
			return
		}
		if at := strings.LastIndex(spec, "@"); at < 1 || at == len(spec)-1 || strings.ContainsAny(spec, "\r\n") {
			t.Fatalf("AddrSpec(%q) = %q, which is no address", s, spec)
		}
		if again, ok := webhook.AddrSpec(spec); !ok || again != spec {
			t.Fatalf("AddrSpec(%q) = %q, but AddrSpec of the result = %q, %v", s, spec, again, ok)
		}
		if !webhook.SameMailbox(s, spec) {
			t.Fatalf("%q is not the same mailbox as %q", s, spec)
		}
	})
}
