package effect

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// aboutAddress are the metrics that say something about the address that a message went
// to. Opt-outs and preferences are absent: the person decided them, at any address.
var aboutAddress = []webhook.Metric{webhook.Bounced, webhook.Clicked, webhook.Opened, webhook.Spammed}

// RecipientMetrics returns the metrics for which OtherRecipient may return true, sorted.
func RecipientMetrics() []webhook.Metric { return slices.Clone(aboutAddress) }

// OtherRecipient reports whether the event is about an e-mail address that is not the
// person's own: an open, a click, a bounce or a complaint of a message to another
// address. The recipient of an e-mail action is a template, so internal notices and
// second addresses go through the same person. Several recipients are another recipient,
// because nobody can tell which of them bounced.
//
// A recipient that is not exactly one address is another recipient, too. OtherRecipient
// returns false when the event lacks the recipient, or has one address and lacks the
// person's: a workspace that identifies people by id alone sends no address.
func OtherRecipient(e *webhook.Event) bool {
	recipient := e.Recipient
	if blank(recipient) {
		recipient = e.EmailAddress
	}
	if e.ObjectType != webhook.Email || !slices.Contains(aboutAddress, e.Metric) || blank(recipient) {
		return false
	}
	if _, one := webhook.AddrSpec(recipient); !one {
		return true
	}
	return !blank(e.Identifiers.Email) && !webhook.SameMailbox(recipient, e.Identifiers.Email)
}
