package warehouse_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func refusal(object webhook.ObjectType, metric webhook.Metric, text string) string {
	e := webhook.Event{ObjectType: object, Metric: metric, FailureMessage: text}
	r := warehouse.NewRow(&e, warehouse.Origin{})
	return r.Refusal()
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range warehousetest.Refusals() {
		if got := refusal(webhook.Email, webhook.Bounced, c.Text); got != c.Want {
			t.Errorf("Refusal of %q is %q, want %q", c.Text, got, c.Want)
		}
	}
}

func TestRefusalOfOtherEvents(t *testing.T) {
	t.Parallel()
	const spf = "421-4.7.26 This mail has been rate limited because it is unauthenticated."
	for _, c := range []struct {
		name   string
		object webhook.ObjectType
		metric webhook.Metric
		text   string
		want   string
	}{
		{"deferred, unauthenticated", webhook.Email, webhook.Deferred, spf, warehouse.Unauthenticated},
		{"deferred, blocked for now", webhook.Email, webhook.Deferred, "421 4.7.0 the message has been blocked", ""},
		{"failed", webhook.Email, webhook.Failed, "554 5.7.1", ""},
		{"another object type", webhook.SMS, webhook.Bounced, "554 5.7.1", ""},
		{"nobody there", webhook.Email, webhook.Bounced, "550 5.7.1 no such user here", ""},
		{"far behind", webhook.Email, webhook.Bounced, strings.Repeat("x ", 4<<10) + "5.7.26", ""},
		{"invalid UTF-8", webhook.Email, webhook.Bounced, "\xff 550 5.7.26 \xff", warehouse.Unauthenticated},
	} {
		if got := refusal(c.object, c.metric, c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
