package effect_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// calls returns the calls of the built-in rules for a body, as words.
func calls(t *testing.T, p effect.Policy, body string) []string {
	t.Helper()
	e, err := webhook.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	words := []string{}
	now := time.Unix(1760000060, 0)
	for _, c := range append(p.Suppression(e, now), p.Engagement(e, now)...) {
		kind := ""
		if c.Person.Kind == effect.Phone {
			kind = "phone "
		}
		words = append(words, string(c.Kind)+" "+kind+c.Person.Identifier())
	}
	return words
}

// Who is meant by an event, and which events are certain enough to delete the person.
func TestWhoIsMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{
			"bounce of an address that is not the person's",
			`{"event_id":"r1","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example","cio_id":"d9c106000077"},"recipient":"ops-inbox@other.example","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{},
		},
		{
			"complaint about an address that is not the person's",
			`{"event_id":"r1","object_type":"email","metric":"spammed","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"ops-inbox@other.example"}}`,
			[]string{},
		},
		{
			"open at an address that is not the person's",
			`{"event_id":"r1","object_type":"email","metric":"opened","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"ops-inbox@other.example"}}`,
			[]string{},
		},
		{
			"click at an address that is not the person's",
			`{"event_id":"r1","object_type":"email","metric":"clicked","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"ops-inbox@other.example"}}`,
			[]string{},
		},
		{
			"display name and case differ, same address",
			`{"event_id":"r2","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"Me@Mine.example","cio_id":"d9c106000077"},"recipient":"Me Myself <me@mine.example>","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{"identify cio_d9c106000077", "suppress cio_d9c106000077"},
		},
		{
			"no e-mail among the identifiers",
			`{"event_id":"r3","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"recipient":"a@b.example","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{"identify 42", "suppress 42"},
		},
		{
			"no recipient",
			`{"event_id":"r3","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"a@b.example"},"recipient":" ","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{"identify 42", "suppress 42"},
		},
		{
			"cio_id that carries its prefix",
			`{"event_id":"r4","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"cio_id":"cio_03000001","email":"a@b.example"},"recipient":"a@b.example","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{"identify cio_03000001", "suppress cio_03000001"},
		},
		{
			"open inferred from a click",
			`{"event_id":"r5","object_type":"email","metric":"opened","timestamp":1760000000,"data":{"identifiers":{"id":"42"},"synthetic":true}}`,
			[]string{},
		},
		{
			"bounce with a reason that nobody can read",
			`{"event_id":"r6","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"a@b.example"},"recipient":"a@b.example","failure_message":"Something went wrong!"}}`,
			[]string{"identify 42"},
		},
		{
			"flat bounce without a reason",
			`{"event_id":"r7","metric":"bounced","timestamp":1760000000,"customer_id":"42","email_address":"a@b.example","delivery_id":"d1"}`,
			[]string{"identify 42", "suppress 42"},
		},
		{
			"phone only",
			`{"event_id":"r8","object_type":"sms","metric":"unsubscribed","timestamp":1760000000,"data":{"identifiers":{"id":null,"email":null,"phone":"+15551234567"}}}`,
			[]string{"identify phone +15551234567"},
		},
		{
			"an opt-out always counts",
			`{"event_id":"r9","object_type":"email","metric":"unsubscribed","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"old@mine.example"}}`,
			[]string{"identify 42"},
		},
		{
			"an opt-in always counts",
			`{"event_id":"r9","object_type":"email","metric":"subscribed","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"old@mine.example"}}`,
			[]string{"identify 42"},
		},
		{
			"several recipients",
			`{"event_id":"r10","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"me@mine.example, ops@other.example","failure_message":"550 5.1.1 user unknown"}}`,
			[]string{},
		},
		{
			"several recipients, no e-mail among the identifiers",
			`{"event_id":"r11","object_type":"email","metric":"spammed","data":{"identifiers":{"id":"42"},"recipient":"me@mine.example, ops@other.example"}}`,
			[]string{},
		},
		{
			"several recipients, flat",
			`{"event_id":"r12","metric":"bounced","customer_id":"42","email_address":"a@b.example, ops@other.example"}`,
			[]string{},
		},
		{
			"recipients as an array",
			`{"event_id":"r13","object_type":"email","metric":"spammed","data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":["ops@other.example"]}}`,
			[]string{},
		},
		{
			"recipient as an object",
			`{"event_id":"r14","object_type":"email","metric":"spammed","data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":{"email":"me@mine.example"}}}`,
			[]string{},
		},
		{
			"another email_address",
			`{"event_id":"r15","object_type":"email","metric":"spammed","data":{"identifiers":{"id":"42","email":"me@mine.example"},"email_address":"ops@other.example"}}`,
			[]string{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, calls(t, effect.Policy{}, c.body)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// The comparison of addresses holds for the rules of a file, too, unless a rule says
// any_recipient.
func TestAnyRecipient(t *testing.T) {
	t.Parallel()
	body := func(objectType webhook.ObjectType, metric webhook.Metric) string {
		return `{"event_id":"r1","object_type":"` + string(objectType) + `","metric":"` + string(metric) + `","timestamp":1760000000,
			"data":{"identifiers":{"id":"42","email":"me@mine.example"},"recipient":"ops@other.example","failure_message":"550 5.1.1"}}`
	}
	all := `when: {metric: [bounced, spammed, opened, clicked, delivered, cio_subscription_preferences_changed]}`
	own := effect.Policy{Rules: rules(t, "\n- {name: a, "+all+", set: {a: true}}")}
	anybody := effect.Policy{Rules: rules(t, "\n- {name: a, "+all+", set: {a: true}, any_recipient: true}")}
	counts := []string{"identify 42"}
	for _, m := range []webhook.Metric{webhook.Bounced, webhook.Spammed, webhook.Opened, webhook.Clicked} {
		if got := calls(t, own, body(webhook.Email, m)); len(got) > 0 {
			t.Errorf("%s: %v, want nothing", m, got)
		}
		if got := calls(t, anybody, body(webhook.Email, m)); !slices.Equal(got, counts) {
			t.Errorf("%s with any_recipient: %v, want %v", m, got, counts)
		}
		if got := calls(t, own, body(webhook.SMS, m)); !slices.Equal(got, counts) {
			t.Errorf("%s of a text message: %v, want %v", m, got, counts)
		}
	}
	for _, m := range []webhook.Metric{webhook.Delivered, webhook.PreferencesChanged} {
		if got := calls(t, own, body(webhook.Email, m)); !slices.Equal(got, counts) {
			t.Errorf("%s: %v, want %v", m, got, counts)
		}
	}
	if !slices.IsSorted(effect.RecipientMetrics()) || len(effect.RecipientMetrics()) != 4 {
		t.Errorf("RecipientMetrics = %v", effect.RecipientMetrics())
	}
}
