package effect_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestPersonOf(t *testing.T) {
	t.Parallel()
	full := webhook.Event{
		ObjectType:   webhook.Email,
		Identifiers:  webhook.Identifiers{CioID: "d9c106000001", ID: "42", Email: "id@example.com", Phone: "+15551234567"},
		CustomerID:   "43",
		EmailAddress: "address@example.com",
		Recipient:    "recipient@example.com",
	}
	for _, c := range []struct {
		name   string
		change func(*webhook.Event)
		want   string
	}{
		{"all", func(*webhook.Event) {}, "cio_d9c106000001"},
		{"no cio_id", func(e *webhook.Event) { e.Identifiers.CioID = "" }, "42"},
		{"blank cio_id", func(e *webhook.Event) { e.Identifiers.CioID = " " }, "42"},
		{"cio_id with its prefix", func(e *webhook.Event) { e.Identifiers.CioID = "cio_d9c106000001" }, "cio_d9c106000001"},
		{"a prefix without a cio_id", func(e *webhook.Event) { e.Identifiers.CioID = "cio_" }, "42"},
		{"customer_id", func(e *webhook.Event) { e.Identifiers = webhook.Identifiers{Email: "id@example.com"} }, "43"},
		{"identifiers.email", func(e *webhook.Event) {
			e.Identifiers = webhook.Identifiers{Email: "id@example.com"}
			e.CustomerID = ""
		}, "id@example.com"},
		{"identifiers.phone", func(e *webhook.Event) {
			e.Identifiers = webhook.Identifiers{Phone: "+15551234567"}
			e.CustomerID = ""
		}, "+15551234567"},
		{"email_address", func(e *webhook.Event) { e.Identifiers = webhook.Identifiers{}; e.CustomerID = "" }, "address@example.com"},
		{"recipient", func(e *webhook.Event) {
			*e = webhook.Event{ObjectType: webhook.Email, Recipient: "recipient@example.com"}
		}, "recipient@example.com"},
		{"recipient with a display name", func(e *webhook.Event) {
			*e = webhook.Event{ObjectType: webhook.Email, Recipient: "Joe <recipient@example.com>"}
		}, "recipient@example.com"},
		{"several recipients", func(e *webhook.Event) {
			*e = webhook.Event{ObjectType: webhook.Email, Recipient: "recipient@example.com, ops@example.com"}
		}, ""},
		{"recipient that is no address", func(e *webhook.Event) {
			*e = webhook.Event{ObjectType: webhook.Email, Recipient: "joe"}
		}, ""},
		{"recipient of a text message", func(e *webhook.Event) {
			*e = webhook.Event{ObjectType: webhook.SMS, Recipient: "+15551234567"}
		}, ""},
		{"nobody", func(e *webhook.Event) { *e = webhook.Event{ObjectType: webhook.Email} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := full
			c.change(&e)
			got, ok := effect.PersonOf(&e)
			if got.Identifier() != c.want || ok != (c.want != "") {
				t.Errorf("PersonOf = %q, %v; want %q", got.Identifier(), ok, c.want)
			}
		})
	}
}
