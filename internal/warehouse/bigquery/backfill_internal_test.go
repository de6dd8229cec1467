package bigquery

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// BigQuery and Go have the same regular expressions, RE2, so the patterns in the SQL can
// be compared with NewRow.
func TestPatternsOfBackfill(t *testing.T) {
	t.Parallel()
	var patterns []*regexp.Regexp
	for _, m := range regexp.MustCompile(`r'''(.+?)'''`).FindAllStringSubmatch(domain, -1) {
		patterns = append(patterns, regexp.MustCompile(m[1]))
	}
	if len(patterns) != 2 {
		t.Fatalf("the SQL has %d patterns, want 2:\n%s", len(patterns), domain)
	}
	for address, known := range map[string]bool{
		"ann@Example.com": true, " ann@example.com ": true, "Ann <ann@example.com>": true, `"Doe, Ann" <ann@Mail.example.com>`: true,
		"<ann@example.com>": true, "Doe, Ann < ann@example.com >": true, "a.b+c@x.co.uk": true,
		"": true, "ann": true, "a@x.example, b@y.example": true, "Ann <a@x.example>, b@y.example": true, "a@x.example b@y.example": true,
		"a@x.example, Ann <b@y.example>": true, "@x.example": true, "a@": true, "a@b@c.example": true,
		"ann@example.com <ann@example.com>": false, `"ann"@example.com`: false, // NULL in SQL
	} {
		got := ""
		for _, p := range patterns {
			if m := p.FindStringSubmatch(address); m != nil {
				got = strings.ToLower(m[1])
			}
		}
		want := warehouse.NewRow(&webhook.Event{ObjectType: webhook.Email, Recipient: address}, warehouse.Origin{}).Domain
		if got != want && (known || got != "") {
			t.Errorf("the SQL has the domain %q of %q, NewRow %q", got, address, want)
		}
	}
}

func TestProvidersOfBackfill(t *testing.T) {
	t.Parallel()
	sql := provider()
	cases := regexp.MustCompile(`r'(\^[^']+)'\) THEN '(\w+)'`).FindAllStringSubmatch(sql, -1)
	whole, first := warehouse.MailboxDomains()
	for label := range first {
		for _, suffix := range []string{"com", "fr", "co.uk", "com.br", "example", "org.uk", "co.example"} {
			domain, got := label+"."+suffix, "other"
			if p, ok := whole[domain]; ok {
				got = p
			}
			for _, c := range cases {
				if regexp.MustCompile(c[1]).MatchString(domain) {
					got = c[2]
				}
			}
			want := warehouse.NewRow(&webhook.Event{ObjectType: webhook.Email, Recipient: "a@" + domain}, warehouse.Origin{}).Provider
			if got != want {
				t.Errorf("the SQL has the provider %s of %s, NewRow %s", got, domain, want)
			}
		}
	}
	for domain, p := range whole {
		_, list, _ := strings.Cut(sql, "'"+domain+"'")
		if then := regexp.MustCompile(`THEN '(\w+)'`).FindStringSubmatch(list); len(then) != 2 || then[1] != p {
			t.Errorf("the SQL has the provider %v of %s, want %s", then, domain, p)
		}
	}
}

// Every column after payload is filled, or left NULL with a reason.
func TestColumnsOfBackfill(t *testing.T) {
	t.Parallel()
	left := map[string]string{"bounce_class": "no SQL", "payload_altered": "written with the row", "erased_at": "set by an erasure"}
	filled := map[string]bool{}
	for _, f := range backfilled() {
		filled[f.name] = true
	}
	for _, c := range warehouse.Columns()[len(warehousetest.OlderColumns()):] {
		if filled[c.Name] == (left[c.Name] != "") {
			t.Errorf("column %s is filled: %t", c.Name, filled[c.Name])
		}
		if !strings.Contains(Backfill("p", "d"), c.Name+" IS NULL") {
			t.Errorf("rows with a value in %s are changed", c.Name)
		}
	}
}
