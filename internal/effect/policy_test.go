package effect_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const occurred = 1755600006

var (
	at         = time.Unix(occurred, 0).UTC()
	receivedAt = at.Add(time.Hour)
	person     = effect.Person{Kind: effect.CioID, Value: "d9c106000001"}
)

func event(o webhook.ObjectType, m webhook.Metric) *webhook.Event {
	return &webhook.Event{
		ID: "01J00000000000000000000006", ObjectType: o, Metric: m, OccurredAt: at,
		DeliveryID:  "RPILAgUBcRhIBqSfeiIwdIYJKxTY",
		Identifiers: webhook.Identifiers{CioID: "d9c106000001", ID: "42", Email: "joe@example.com"},
	}
}

func bounce(failure string) *webhook.Event {
	e := event(webhook.Email, webhook.Bounced)
	e.FailureMessage = failure
	return e
}

type attributes = map[string]any

func identify(a attributes) effect.Call {
	return effect.Call{Kind: effect.Identify, Person: person, At: at, Attributes: a}
}

func bounced(class string) attributes {
	return attributes{
		"email_bounced": true, "email_bounced_at": int64(occurred),
		"email_bounce_class": class, "last_bounce_delivery_id": "RPILAgUBcRhIBqSfeiIwdIYJKxTY",
	}
}

func with(a attributes, name string, value any) attributes {
	a[name] = value
	return a
}

func TestSuppression(t *testing.T) {
	t.Parallel()
	suppress := effect.Call{Kind: effect.Suppress, Person: person, At: at}
	complaint := func() attributes {
		return attributes{"spam_complaint": true, "spam_complaint_at": int64(occurred)}
	}
	optOut := attributes{"unsubscribed": true, "unsubscribed_at": int64(occurred)}
	for _, c := range []struct {
		name  string
		mode  effect.Mode
		event *webhook.Event
		want  []effect.Call
	}{
		{"hard bounce", "", bounce("550 5.1.1 no such user"), []effect.Call{identify(bounced("hard")), suppress}},
		{"soft bounce", "", bounce("452 4.2.2 over quota"), []effect.Call{identify(bounced("soft"))}},
		{"unknown bounce", "", bounce(""), []effect.Call{identify(bounced("unknown"))}},
		{"complaint", effect.ModeSuppress, event(webhook.Email, webhook.Spammed), []effect.Call{identify(complaint()), suppress}},

		{
			"hard bounce, unsubscribe", effect.ModeUnsubscribe, bounce("550 5.1.1 no such user"),
			[]effect.Call{identify(with(bounced("hard"), "unsubscribed", true))},
		},
		{"soft bounce, unsubscribe", effect.ModeUnsubscribe, bounce("452 4.2.2 over quota"), []effect.Call{identify(bounced("soft"))}},
		{
			"complaint, unsubscribe", effect.ModeUnsubscribe, event(webhook.Email, webhook.Spammed),
			[]effect.Call{identify(with(complaint(), "unsubscribed", true))},
		},
		{"hard bounce, off", effect.ModeOff, bounce("550 5.1.1 no such user"), []effect.Call{identify(bounced("hard"))}},
		{"complaint, off", effect.ModeOff, event(webhook.Email, webhook.Spammed), []effect.Call{identify(complaint())}},

		{"opt-out by e-mail", "", event(webhook.Email, webhook.Unsubscribed), []effect.Call{identify(optOut)}},
		{"opt-out by text message", "", event(webhook.SMS, webhook.Unsubscribed), []effect.Call{identify(optOut)}},
		{"opt-out while off", effect.ModeOff, event(webhook.Email, webhook.Unsubscribed), []effect.Call{identify(optOut)}},
		{
			"opt-out that Customer.io has set", "", event(webhook.Customer, webhook.Unsubscribed),
			[]effect.Call{identify(attributes{"unsubscribed_at": int64(occurred)})},
		},
		{
			"opt-in", "", event(webhook.Customer, webhook.Subscribed),
			[]effect.Call{identify(attributes{"subscribed_at": int64(occurred)})},
		},

		{"a push token bounced", "", event(webhook.Push, webhook.Bounced), nil},
		{"a text message bounced", "", event(webhook.SMS, webhook.Bounced), nil},
		{"a bounce of nobody knows what", "", event("", webhook.Bounced), nil},
		{"a complaint about a text message", "", event(webhook.SMS, webhook.Spammed), nil},
		{"one topic", "", event(webhook.Customer, webhook.PreferencesChanged), nil},
		{"dropped", "", event(webhook.Email, webhook.Dropped), nil},
		{"opened", "", event(webhook.Email, webhook.Opened), nil},
		{"unheard of", "", event(webhook.Email, "evaporated"), nil},
		{"nobody", "", &webhook.Event{ObjectType: webhook.Email, Metric: webhook.Bounced, OccurredAt: at}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := effect.Policy{Mode: c.mode}.Suppression(c.event, receivedAt)
			markBounce(c.want, c.event)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// markBounce marks the suppression that a bounce causes, and no other.
func markBounce(calls []effect.Call, e *webhook.Event) {
	for i := range calls {
		calls[i].Bounce = calls[i].Kind == effect.Suppress && e.Metric == webhook.Bounced
	}
}

func TestEngagement(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	flagged := func(m webhook.Metric, prefetched, machine, synthetic *bool) *webhook.Event {
		e := event(webhook.Email, m)
		e.Prefetched, e.Machine, e.Synthetic = prefetched, machine, synthetic
		return e
	}
	engaged := func(metric string) []effect.Call {
		return []effect.Call{identify(attributes{"last_email_engaged_at": int64(occurred), "last_email_metric": metric})}
	}
	for _, c := range []struct {
		name  string
		event *webhook.Event
		want  []effect.Call
	}{
		{"opened", event(webhook.Email, webhook.Opened), engaged("opened")},
		{"opened by a human", flagged(webhook.Opened, &no, nil, nil), engaged("opened")},
		{"opened, as a click shows", flagged(webhook.Opened, nil, nil, &yes), nil},
		{"opened, as no click shows", flagged(webhook.Opened, nil, nil, &no), engaged("opened")},
		{"clicked", event(webhook.Email, webhook.Clicked), engaged("clicked")},
		{"clicked by a human", flagged(webhook.Clicked, nil, &no, nil), engaged("clicked")},
		{"opened by a machine", flagged(webhook.Opened, &yes, nil, nil), nil},
		{"clicked by a machine", flagged(webhook.Clicked, nil, &yes, nil), nil},
		{"a push opened", event(webhook.Push, webhook.Opened), nil},
		{"delivered", event(webhook.Email, webhook.Delivered), nil},
		{"bounced", bounce("550 5.1.1 no such user"), nil},
		{"nobody", &webhook.Event{ObjectType: webhook.Email, Metric: webhook.Opened, OccurredAt: at}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, effect.Policy{}.Engagement(c.event, receivedAt)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimeOfTheEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		occurred, want time.Time
	}{
		{"past", at, at},
		{"a clock that is a little ahead", receivedAt.Add(5 * time.Minute), receivedAt.Add(5 * time.Minute)},
		{"absent", time.Time{}, receivedAt},
		{"milliseconds read as seconds", time.Unix(occurred*1000, 0), receivedAt},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := event(webhook.Email, webhook.Spammed)
			e.OccurredAt = c.occurred
			calls := effect.Policy{}.Suppression(e, receivedAt)
			if len(calls) != 2 {
				t.Fatalf("got %d calls, want 2", len(calls))
			}
			for _, call := range calls {
				if !call.At.Equal(c.want) {
					t.Errorf("%s at %v, want %v", call.Kind, call.At, c.want)
				}
			}
			if got := calls[0].Attributes["spam_complaint_at"]; got != c.want.Unix() {
				t.Errorf("spam_complaint_at = %v, want %d", got, c.want.Unix())
			}
		})
	}
}

// Consumers subscribe to the lists. A missing metric would never reach the rules, and an
// extra metric would be fetched in vain.
func TestMetricsMatchTheRules(t *testing.T) {
	t.Parallel()
	all := []webhook.Metric{
		webhook.Attempted, webhook.Bounced, webhook.Clicked, webhook.Converted, webhook.Deferred, webhook.Delivered,
		webhook.Drafted, webhook.Dropped, webhook.Failed, webhook.Opened, webhook.PreferencesChanged, webhook.Replied,
		webhook.Sent, webhook.Spammed, webhook.Subscribed, webhook.Undeliverable, webhook.Unsubscribed,
	}
	rules := func(rule func(*webhook.Event, time.Time) []effect.Call) map[webhook.Metric]bool {
		acts := map[webhook.Metric]bool{}
		for _, m := range all {
			if len(rule(event(webhook.Email, m), receivedAt)) > 0 {
				acts[m] = true
			}
		}
		return acts
	}
	set := func(list []webhook.Metric) map[webhook.Metric]bool {
		s := map[webhook.Metric]bool{}
		for _, m := range list {
			s[m] = true
		}
		return s
	}
	if diff := cmp.Diff(rules(effect.Policy{}.Suppression), set(effect.Policy{}.SuppressionMetrics())); diff != "" {
		t.Errorf("SuppressionMetrics (-acted on +listed):\n%s", diff)
	}
	if diff := cmp.Diff(rules(effect.Policy{}.Engagement), set(effect.Policy{}.EngagementMetrics())); diff != "" {
		t.Errorf("EngagementMetrics (-acted on +listed):\n%s", diff)
	}
}

func TestParseMode(t *testing.T) {
	t.Parallel()
	for _, want := range []effect.Mode{effect.ModeSuppress, effect.ModeUnsubscribe, effect.ModeOff} {
		if got, err := effect.ParseMode(string(want)); err != nil || got != want {
			t.Errorf("ParseMode(%q) = %q, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "Suppress", "delete"} {
		if got, err := effect.ParseMode(s); err == nil {
			t.Errorf("ParseMode(%q) = %q, want an error", s, got)
		}
	}
}
