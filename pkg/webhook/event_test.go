package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestIsMachine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*bool{
		"email_opened_prefetched": new(true),
		"email_opened_human":      new(false),
		"email_opened_synthetic":  nil,
		"email_clicked_machine":   new(true),
		"email_clicked_human":     new(false),
		"email_bounced_hard":      nil,
	} {
		e := parse(t, string(webhooktest.Get(name)))
		if diff := cmp.Diff(want, e.IsMachine()); diff != "" {
			t.Errorf("IsMachine of %s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestBounceClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       webhook.BounceClass
	}{
		{"nested, hard", `{"object_type":"email","metric":"bounced","data":{"failure_message":"550 5.1.1"}}`, webhook.BounceHard},
		{"nested, soft", `{"object_type":"email","metric":"bounced","data":{"failure_message":"452 4.2.2"}}`, webhook.BounceSoft},
		{"nested without a message", `{"object_type":"email","metric":"bounced","data":{"failure_message":null}}`, webhook.BounceUnknown},
		{"flat without a message", `{"metric":"bounced","customer_id":"42"}`, webhook.BounceHard},
		{"flat with a blank message", `{"metric":"bounced","customer_id":"42","failure_message":" "}`, webhook.BounceHard},
		{"flat with a message", `{"metric":"bounced","customer_id":"42","failure_message":"452 4.2.2"}`, webhook.BounceSoft},
		{"legacy", `{"event_type":"email_bounced","data":{"customer_id":"42"}}`, webhook.BounceUnknown},
		{"no bounce", `{"metric":"dropped","customer_id":"42"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := parse(t, c.body)
			if got := e.BounceClass(); got != c.want {
				t.Errorf("BounceClass = %q, want %q", got, c.want)
			}
		})
	}
}
