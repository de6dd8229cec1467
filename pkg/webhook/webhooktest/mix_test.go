package webhooktest_test

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestMixTotalsCountTheEvents(t *testing.T) {
	t.Parallel()
	for _, m := range []webhooktest.Mix{{}, {Deliveries: -1}, {Deliveries: 1}, {Deliveries: 8_000, Seed: 7}} {
		if diff := gocmp.Diff(m.Totals(), count(t, m.Events())); diff != "" {
			t.Errorf("totals of %+v differ from its events (-totals +events):\n%s", m, diff)
		}
	}
}

func TestMixRepeats(t *testing.T) {
	t.Parallel()
	m := webhooktest.Mix{Seed: 3, Deliveries: 500}
	first, second := slices.Collect(m.Events()), slices.Collect(m.Events())
	if !slices.EqualFunc(first, second, bytes.Equal) {
		t.Error("the same mix has other events the second time")
	}
	m.Seed++
	ids := make(map[string]bool)
	for _, body := range first {
		ids[parse(t, body).ID] = true
	}
	for body := range m.Events() {
		if id := parse(t, body).ID; ids[id] {
			t.Fatalf("mixes of two seeds share the id %s", id)
		}
	}
}

// kinds are the kinds of events that a mix must have, besides the metrics of metricsOf.
// l has the events before.
var kinds = map[string]func(l *look, e *webhook.Event) bool{
	"hard bounce":           func(_ *look, e *webhook.Event) bool { return strings.HasPrefix(e.FailureMessage, "550 5.1.1") },
	"soft bounce":           func(_ *look, e *webhook.Event) bool { return strings.HasPrefix(e.FailureMessage, "452 4.2.2") },
	"bounce without a code": func(_ *look, e *webhook.Event) bool { return strings.HasPrefix(e.FailureMessage, "The receiving") },
	"refusal by a provider": func(_ *look, e *webhook.Event) bool {
		return strings.Contains(e.FailureMessage, " 5.7.") || strings.Contains(e.FailureMessage, "-5.7.")
	},
	"delivered after soft bounce": func(l *look, e *webhook.Event) bool {
		return e.Metric == webhook.Delivered && l.has(e, webhook.Bounced)
	},
	"bounce after delivered": func(l *look, e *webhook.Event) bool {
		return e.Metric == webhook.Bounced && l.has(e, webhook.Delivered)
	},
	"open by Apple": func(_ *look, e *webhook.Event) bool {
		return isTrue(e.Prefetched) && strings.HasSuffix(e.Recipient, "@icloud.com")
	},
	"open by Gmail": func(_ *look, e *webhook.Event) bool {
		return isTrue(e.Prefetched) && strings.HasSuffix(e.Recipient, "@gmail.com")
	},
	"open through a proxy": func(_ *look, e *webhook.Event) bool { return isTrue(e.Proxied) && !isTrue(e.Prefetched) },
	"second open":          func(l *look, e *webhook.Event) bool { return e.Metric == webhook.Opened && l.has(e, webhook.Opened) },
	"open without a flag": func(_ *look, e *webhook.Event) bool {
		return isEmail(e, webhook.Opened) && e.Prefetched == nil && e.Synthetic == nil
	},
	"synthetic open":         func(l *look, e *webhook.Event) bool { return isTrue(e.Synthetic) && !l.ids[e.ID] },
	"second metric of an id": func(l *look, e *webhook.Event) bool { return isTrue(e.Synthetic) && l.ids[e.ID] },
	"click without a flag":   func(_ *look, e *webhook.Event) bool { return isEmail(e, webhook.Clicked) && e.Machine == nil },
	"click by a machine":     func(_ *look, e *webhook.Event) bool { return isTrue(e.Machine) },
	"click at once": func(l *look, e *webhook.Event) bool {
		return isEmail(e, webhook.Clicked) && !isTrue(e.Machine) && e.OccurredAt.Sub(l.times[e.DeliveryID+"delivered"]) <= 2*time.Second
	},
	"forwarded": func(_ *look, e *webhook.Event) bool {
		return isEmail(e, webhook.Sent) && e.Recipient != e.Identifiers.Email
	},
	"preferences": func(_ *look, e *webhook.Event) bool { return strings.Contains(e.Content, `"topic_1":true`) },
	"A/B test":    func(_ *look, e *webhook.Event) bool { return e.CampaignID != 0 && e.ParentActionID != 0 },
	"dead device": func(_ *look, e *webhook.Event) bool {
		return len(e.Recipients) == 1 && e.Recipients[0].FailureMessage != ""
	},
	"reply": func(_ *look, e *webhook.Event) bool { return e.To != "" && e.InboundEventID != "" },
	"second reset": func(l *look, e *webhook.Event) bool {
		return strings.Contains(e.Href, "/reset?") && e.LinkID == 1 && l.ids["reset"]
	},
	"named message": func(_ *look, e *webhook.Event) bool { return e.TransactionalMessage == "order_confirmation" },
}

// A look has what the events so far say.
type look struct {
	times map[string]time.Time // by delivery and metric
	ids   map[string]bool      // of events, and "reset"
	kinds map[string]bool
}

func (l *look) has(e *webhook.Event, m webhook.Metric) bool {
	return !l.times[e.DeliveryID+string(m)].IsZero()
}

func isEmail(e *webhook.Event, m webhook.Metric) bool {
	return e.ObjectType == webhook.Email && e.Metric == m
}

func (l *look) see(e *webhook.Event) {
	for kind, is := range kinds {
		l.kinds[kind] = l.kinds[kind] || is(l, e)
	}
	l.kinds[string(e.ObjectType)+" "+string(e.Metric)] = true
	l.times[e.DeliveryID+string(e.Metric)], l.ids[e.ID] = e.OccurredAt, true
	l.ids["reset"] = l.ids["reset"] || strings.Contains(e.Href, "/reset?")
}

// metricsOf are the metrics of each object type that a mix must have. A mix has no others,
// except for undeliverable: Customer.io reports no complaint about an SMS, for example.
var metricsOf = map[webhook.ObjectType]string{
	webhook.Email:    "attempted sent delivered opened clicked converted unsubscribed bounced dropped spammed failed undeliverable deferred cio_subscription_preferences_changed",
	webhook.Push:     "sent delivered opened clicked converted bounced dropped",
	webhook.SMS:      "sent delivered clicked converted bounced failed replied",
	webhook.InApp:    "sent opened clicked converted failed",
	webhook.Customer: "subscribed unsubscribed cio_subscription_preferences_changed",
}

func TestMixHasEveryKind(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		l := look{map[string]time.Time{}, map[string]bool{}, map[string]bool{}}
		for object, metrics := range metricsOf {
			for metric := range strings.FieldsSeq(metrics) {
				l.kinds[string(object)+" "+metric] = false
			}
		}
		for body := range (webhooktest.Mix{Seed: seed, Deliveries: 2000}).Events() {
			l.see(parse(t, body))
		}
		for kind, present := range l.kinds {
			if !present {
				t.Errorf("seed %d has no %s", seed, kind)
			}
		}
	}
}

// Every message has a name, and every name a message, so that a table of names and the
// events fit.
func TestMixHasTheNames(t *testing.T) {
	t.Parallel()
	want := webhooktest.Mix{Deliveries: 2000}.Totals().Messages
	names := map[webhooktest.Message]string{}
	for _, n := range webhooktest.Names() {
		if n.Name == "" || names[n.Message] != "" {
			t.Errorf("%+v has the names %q and %q", n.Message, names[n.Message], n.Name)
		}
		names[n.Message] = n.Name
	}
	for m := range want {
		source := webhooktest.Message{Source: m.Source, SourceID: m.SourceID}
		if names[source] == "" || names[m] == "" && m.Source != "transactional" {
			t.Errorf("%+v has no name", m)
		}
		delete(names, m)
	}
	for m, name := range names {
		if m.ObjectType != "" {
			t.Errorf("%q is the name of no message: %+v", name, m)
		}
	}
}

// reserved are the domains of RFC 2606.
var reserved = regexp.MustCompile(`@example\.(com|org|net)$`)

// No person and no recipient can be real: the local part has a character that no mailbox
// provider allows, or the domain is reserved. The events are in order, within MixDuration.
func TestMixPeopleAndTimes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)
	last, end := start, start.Add(webhooktest.MixDuration)
	persons := map[string]webhook.Identifiers{}
	for body := range (webhooktest.Mix{Deliveries: 5000, Start: start}).Events() {
		e := parse(t, body)
		if known, ok := persons[e.CustomerID]; ok && known != e.Identifiers || e.CustomerID != e.Identifiers.ID {
			t.Fatalf("the person is another: %s", body)
		}
		persons[e.CustomerID] = e.Identifiers
		for _, address := range []string{e.Identifiers.Email, e.Recipient, e.EmailAddress} {
			if _, ok := webhook.AddrSpec(address); ok && !strings.Contains(address, "~") && !reserved.MatchString(address) {
				t.Fatalf("%s may be real", address)
			}
		}
		if e.OccurredAt.Before(last) || e.OccurredAt.After(end) {
			t.Fatalf("event at %v after an event at %v", e.OccurredAt, last)
		}
		last = e.OccurredAt
	}
	if n := len(persons); n < 1000 || n > 1500 || end.Sub(last) > time.Hour {
		t.Errorf("%d people and the last event %v before the end, want about 1250 and less than 1h", n, end.Sub(last))
	}
}

// Nobody gets a promotional message 48 hours after opting out, and no e-mail goes to an
// address that has bounced.
func TestMixRespectsOptOuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		out, bounced := map[string]time.Time{}, map[string]bool{}
		for body := range (webhooktest.Mix{Seed: seed, Deliveries: 8_000}).Events() {
			e := parse(t, body)
			switch {
			case e.Metric == webhook.Unsubscribed || e.Metric == webhook.Spammed:
				if out[e.CustomerID].IsZero() {
					out[e.CustomerID] = e.OccurredAt
				}
			case e.Metric == webhook.Subscribed:
				delete(out, e.CustomerID)
			case e.BounceClass() == webhook.BounceHard && e.Recipient == e.Identifiers.Email:
				bounced[e.Recipient] = true
			case e.Metric == webhook.Sent:
				left := out[e.CustomerID]
				if e.TransactionalMessage == "" && !left.IsZero() && e.OccurredAt.Sub(left) > 48*time.Hour || bounced[e.Recipient] {
					t.Fatalf("seed %d: sent after %v: %s", seed, left, body)
				}
			}
		}
	}
}

// Gmail reports no complaints, and each provider has rates of its own.
func TestMixProviders(t *testing.T) {
	t.Parallel()
	rates, sent := map[string]map[string]float64{}, map[string]time.Time{}
	for body := range (webhooktest.Mix{Seed: 1, Deliveries: 40_000}).Events() {
		e := parse(t, body)
		_, domain, _ := strings.Cut(e.Recipient, "@")
		if metrics := metricsOf[e.ObjectType] + " undeliverable"; !slices.Contains(strings.Fields(metrics), string(e.Metric)) {
			t.Errorf("%s %s", e.ObjectType, e.Metric)
		}
		if e.ObjectType == webhook.SMS {
			domain = "sms"
		}
		domain = cmp.Or(map[string]string{"hotmail.com": "outlook.com", "live.com": "outlook.com", "aol.com": "yahoo.com"}[domain], domain)
		if domain == "" {
			continue
		}
		if rates[domain] == nil {
			rates[domain] = map[string]float64{}
		}
		rates[domain][string(e.Metric)]++
		switch e.Metric {
		case webhook.Sent:
			sent[e.DeliveryID] = e.OccurredAt
		case webhook.Delivered:
			if took := e.OccurredAt.Sub(sent[e.DeliveryID]); took < 3*time.Minute { // else deferred
				rates[domain]["seconds"] += took.Seconds()
			}
		default: // has no time to compare
		}
		if isTrue(e.Prefetched) {
			rates[domain]["prefetched"]++
		}
	}
	for _, c := range []struct {
		domain, metric, of string
		least, most        float64
	}{
		{"gmail.com", "spammed", "delivered", 0, 0},
		{"yahoo.com", "spammed", "delivered", 0.0001, 0.003},
		{"outlook.com", "spammed", "delivered", 0.0001, 0.003},
		{"gmail.com", "prefetched", "opened", 0.05, 0.15},
		{"icloud.com", "prefetched", "opened", 0.45, 0.75},
		{"gmail.com", "bounced", "sent", 0.008, 0.016},
		{"example.com", "bounced", "sent", 0.018, 0.032},
		{"yahoo.com", "deferred", "delivered", 0.03, 0.05},
		{"sms", "converted", "clicked", 0.3, 0.7},
		{"gmail.com", "seconds", "delivered", 2, 6},
		{"outlook.com", "seconds", "delivered", 18, 32},
	} {
		r := rates[c.domain]
		if rate := r[c.metric] / r[c.of]; rate < c.least || rate > c.most {
			t.Errorf("%s: %s of %s is %.4f, want %.4f to %.4f", c.domain, c.metric, c.of, rate, c.least, c.most)
		}
	}
}
