package effect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// rules parses a list of rules without mistakes.
func rules(t *testing.T, list string) *effect.Rules {
	t.Helper()
	r, err := effect.Parse("test.yaml", []byte("version: 1\nrules: "+list))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func builtinRules(t *testing.T) *effect.Rules {
	t.Helper()
	r, err := effect.Parse("default.yaml", effect.BuiltinFile())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRules(t *testing.T) {
	t.Parallel()
	machine := func() *webhook.Event {
		e, yes := event(webhook.Email, webhook.Opened), true
		e.Prefetched = &yes
		return e
	}
	suppress := effect.Call{Kind: effect.Suppress, Person: person, At: at}
	for _, c := range []struct {
		name  string
		rules string
		event *webhook.Event
		want  []effect.Call
	}{
		{
			"literals", `
- name: a
  when: {object_type: sms, metric: bounced}
  set: {sms_bounced: true, n: -12, text: "yes", empty: "", plain: word, "a name": 0}
`, event(webhook.SMS, webhook.Bounced),
			[]effect.Call{identify(attributes{"sms_bounced": true, "n": int64(-12), "text": "yes", "empty": "", "plain": "word", "a name": int64(0)})},
		},
		{
			"fields", `
- name: a
  when: {metric: opened}
  set: {at: "{{occurred_at}}", event: "{{event_id}}", what: "{{ metric }}", kind: '{{object_type}}', newsletter: "{{newsletter_id}}", machine: "{{machine}}", link: "{{href}}"}
`, machine(),
			[]effect.Call{identify(attributes{
				"at": int64(occurred), "event": "01J00000000000000000000006", "what": "opened", "kind": "email",
				"newsletter": "", "machine": true, "link": "",
			})},
		},
		{
			"another object type", `
- {name: a, when: {object_type: [sms, push], metric: bounced}, set: {a: true}}
`, event(webhook.Email, webhook.Bounced), nil,
		},
		{
			"by a machine", `
- {name: a, when: {metric: opened, machine: true}, set: {a: true}}
- {name: b, when: {metric: opened, machine: false}, set: {b: true}}
- {name: c, when: {metric: opened}, unless: {object_type: push, machine: true}, set: {c: true}}
- {name: d, when: {metric: opened}, unless: {object_type: [email, push], machine: true}, set: {d: true}}
`, machine(), []effect.Call{identify(attributes{"a": true, "c": true})},
		},
		{
			"one call for all rules, a suppression last", `
- {name: a, when: {object_type: email, metric: [dropped, spammed]}, suppress: true}
- {name: b, when: {metric: spammed}, track: {event: "E-mail spammed"}}
- {name: c, when: {metric: spammed}, set: {a: 1}, unsubscribe: true}
`, event(webhook.Email, webhook.Spammed),
			[]effect.Call{
				identify(attributes{"a": int64(1), "unsubscribed": true}),
				{Kind: effect.Track, Person: person, At: at, Event: "E-mail spammed", ID: "01K2ZZZZZZ"},
				suppress,
			},
		},
		{
			"no attributes", `
- {name: a, when: {object_type: email, metric: dropped}, suppress: true}
`, event(webhook.Email, webhook.Dropped), []effect.Call{suppress},
		},
		{
			"data of an event", `
- {name: a, when: {metric: sent}, track: {event: Sent, data: {delivery: "{{delivery_id}}", n: 1}}}
`, event(webhook.Email, webhook.Sent),
			[]effect.Call{{
				Kind: effect.Track, Person: person, At: at, Event: "Sent", ID: "01K2ZZZZZZ",
				Attributes: attributes{"delivery": "RPILAgUBcRhIBqSfeiIwdIYJKxTY", "n": int64(1)},
			}},
		},
		{"nothing", "[]", event(webhook.Email, webhook.Bounced), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := effect.Policy{Rules: rules(t, c.rules)}
			got := append(p.Suppression(c.event, receivedAt), p.Engagement(c.event, receivedAt)...)
			for i := range got {
				if got[i].ID != "" { // tested below
					got[i].ID = "01K2ZZZZZZ"
				}
			}
			markBounce(c.want, c.event)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownBounces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failure  string
		mode     effect.Mode
		suppress bool
		want     int
	}{
		{"", effect.ModeSuppress, false, 1},
		{"", effect.ModeSuppress, true, 2},
		{"", effect.ModeOff, true, 1},
		{"550 5.1.1 no such user", effect.ModeSuppress, false, 2},
		{"452 4.2.2 over quota", effect.ModeSuppress, false, 1},
		{"452 4.2.2 over quota", effect.ModeSuppress, true, 1},
	} {
		p := effect.Policy{Mode: c.mode, SuppressUnknown: c.suppress}
		if got := p.Suppression(bounce(c.failure), receivedAt); len(got) != c.want {
			t.Errorf("%q: %d calls, want %d", c.failure, len(got), c.want)
		}
	}
	p := effect.Policy{Mode: effect.ModeUnsubscribe}
	if got := p.Suppression(bounce(""), receivedAt)[0].Attributes["unsubscribed"]; got != nil {
		t.Errorf("an unknown bounce sets unsubscribed to %v", got)
	}
	if got := p.Suppression(event(webhook.Email, webhook.Spammed), receivedAt)[0].Attributes["unsubscribed"]; got != true {
		t.Errorf("a complaint sets unsubscribed to %v", got)
	}
}

func TestTrackNeedsCioID(t *testing.T) {
	t.Parallel()
	p := effect.Policy{Rules: rules(t, `
- {name: a, when: {metric: sent}, track: {event: Careful}}
- {name: b, when: {metric: sent}, track: {event: Careless, without_cio_id: true}}
`)}
	e := event(webhook.Email, webhook.Sent)
	if got := p.Suppression(e, receivedAt); len(got) != 2 {
		t.Errorf("with a cio_id there are %d calls, want 2", len(got))
	}
	e.Identifiers.CioID = ""
	if got := p.Suppression(e, receivedAt); len(got) != 1 || got[0].Event != "Careless" {
		t.Errorf("without a cio_id the calls are %v", got)
	}
}

func TestTrackID(t *testing.T) {
	t.Parallel()
	p := effect.Policy{Rules: rules(t, `
- {name: a, when: {metric: sent}, track: {event: A}}
- {name: b, when: {metric: sent}, track: {event: A}}
`)}
	id := func(e *webhook.Event, day int) string {
		t.Helper()
		e.Metric, e.Identifiers.CioID = webhook.Sent, "d9c106000001"
		calls := p.Suppression(e, receivedAt.AddDate(0, 0, day))
		if len(calls) != 2 || calls[0].ID == calls[1].ID {
			t.Fatalf("calls are %v, want two with two ids", calls)
		}
		if id := calls[0].ID; len(id) != 26 || strings.Trim(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" || id[0] > '7' {
			t.Errorf("%q is not a ULID", id)
		}
		return calls[0].ID
	}
	withID, another := event(webhook.Email, webhook.Sent), event(webhook.Email, webhook.Sent)
	another.ID += "X"
	if id(withID, 0) != id(withID, 1) || id(withID, 0) == id(another, 0) {
		t.Error("the id does not depend on the event's id")
	}
	one, two := &webhook.Event{Raw: []byte("{1}")}, &webhook.Event{Raw: []byte("{2}")}
	if id(one, 0) != id(one, 1) || id(one, 0) == id(two, 0) {
		t.Error("the id for an event without an id does not depend on the body")
	}
	// The time of occurred in 48 bits. Source: https://github.com/ulid/spec.
	if got := id(withID, 0)[:10]; got != "01K30YMAVG" {
		t.Errorf("the id begins with %s", got)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	t.Parallel()
	p := effect.Policy{Rules: rules(t, `
- {name: a, when: {metric: bounced}, set: {why: "{{failure_message}}"}}`)}
	for _, text := range []string{strings.Repeat("a", 1001), strings.Repeat("ä", 600), "a" + strings.Repeat("ä", 600), strings.Repeat("🚫", 300)} {
		got := p.Suppression(bounce(text), receivedAt)[0].Attributes["why"].(string)
		if len(got) > 1000 || len(got) < 997 || !strings.HasPrefix(text, got) || strings.ToValidUTF8(got, "") != got {
			t.Errorf("%d bytes %.20s… are cut to %d bytes", len(text), text, len(got))
		}
	}
}

func TestMetricsFollowTheRules(t *testing.T) {
	t.Parallel()
	p := effect.Policy{Rules: rules(t, `
- {name: a, when: {metric: [sent, clicked]}, set: {a: true}}
- {name: b, when: {metric: [sent, dropped], object_type: sms}, set: {b: true}}
`)}
	if diff := cmp.Diff([]webhook.Metric{webhook.Dropped, webhook.Sent}, p.SuppressionMetrics()); diff != "" {
		t.Errorf("SuppressionMetrics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]webhook.Metric{webhook.Clicked}, p.EngagementMetrics()); diff != "" {
		t.Errorf("EngagementMetrics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, p.Applying(event(webhook.SMS, webhook.Sent))); diff != "" {
		t.Errorf("Applying (-want +got):\n%s", diff)
	}
	none := effect.Policy{Rules: rules(t, "[]")}
	if n := len(none.SuppressionMetrics()) + len(none.EngagementMetrics()); n != 0 {
		t.Errorf("no rules have %d metrics", n)
	}
	if none.Rules.Suppresses() || !builtinRules(t).Suppresses() {
		t.Error("Suppresses is wrong")
	}
}

func TestReadRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r, err := effect.ReadRules("EFFECTS_FILE", write("good.yaml", effect.BuiltinFile()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(builtinRules(t).Names(), r.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if _, err := effect.ReadRules("EFFECTS_FILE", filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "EFFECTS_FILE: ") {
		t.Errorf("absent: %v", err)
	}
	bad := write("bad.yaml", []byte("version: 2\n"))
	if _, err := effect.ReadRules("EFFECTS_FILE", bad); err == nil || !strings.HasPrefix(err.Error(), "EFFECTS_FILE: "+bad+":1: version must be 1") {
		t.Errorf("bad: %v", err)
	}
	large := write("large.yaml", append(effect.BuiltinFile(), []byte(strings.Repeat("#\n", 1<<19))...))
	if _, err := effect.ReadRules("", large); err == nil || !strings.HasPrefix(err.Error(), large+": the file exceeds the limit of 1048576 bytes") {
		t.Errorf("large: %v", err)
	}
}
