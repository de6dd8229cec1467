package webhooktest

import (
	"fmt"
	"strconv"

	"github.com/cioevents/cioevents/pkg/webhook"
)

var links = [...]string{
	`,"href":"https://example.com/new?utm_source=mail&utm_campaign=monthly","link_id":1`,
	`,"href":"https://example.com/new?utm_source=mail&utm_campaign=monthly","link_id":1`,
	`,"href":"https://example.com/blog/what-comes-next","link_id":2`,
	`,"href":"https://example.com/account#settings","link_id":3`,
}

// details returns the members that depend on the metric and the variant.
func (w *writer) details(m *message, s step) string {
	switch s.metric {
	case webhook.Opened:
		return openDetails(m, s.variant)
	case webhook.Clicked:
		return w.clickDetails(m, s)
	case webhook.PreferencesChanged:
		return `,"content":"{\"topics\":{\"topic_1\":true,\"topic_2\":false}}"`
	case webhook.Replied:
		return `,"to":"` + phone(0) + `","inbound_event_id":"` + string(w.appendULID(nil, s.at, stepNumber(s)^tokenStream)) + `"`
	default: // at most a failure message
	}
	if m.ObjectType == webhook.Push && (s.metric == webhook.Bounced || s.metric == webhook.Dropped) {
		return "" // the devices have the reasons
	}
	if message := w.failure(m, s); message != "" {
		return `,"failure_message":` + strconv.Quote(message)
	}
	return ""
}

// openDetails returns the flags of an open, which e-mails alone have. An inferred open has
// none of the flags of others.
func openDetails(m *message, v variant) string {
	if m.ObjectType != webhook.Email {
		return ""
	}
	switch v {
	case unmarked:
		return ""
	case synthetic, second:
		return `,"synthetic":true`
	case machine:
		return `,"proxied":true,"prefetched":true`
	case proxied:
		return `,"proxied":true,"prefetched":false`
	default:
		return `,"proxied":false,"prefetched":false`
	}
}

func (w *writer) clickDetails(m *message, s step) string {
	link := links[w.number(stepNumber(s))%uint64(len(links))]
	switch {
	case m.SourceID == "password_reset":
		token := w.number(uint64(s.delivery) ^ tokenStream) //nolint:gosec // never negative
		link = fmt.Sprintf(`,"href":"https://example.com/reset?token=%016x","link_id":1`, token)
	case m.ObjectType == webhook.InApp:
		return link + `,"tracked_response":"choose"`
	}
	if m.ObjectType != webhook.Email || s.variant == unmarked {
		return link
	}
	return link + `,"machine":` + strconv.FormatBool(s.variant == machine)
}

// blockedBy are the words with which the mailbox providers refuse a sender, in the order of
// mailboxes.
var blockedBy = [...]string{
	"550-5.7.1 Our system has detected that this message is likely unsolicited mail",
	"550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Your network is on our block list (S3140)",
	"554 5.7.9 Message not accepted for policy reasons",
	"554 5.7.1 [CS01] Message rejected due to local policy",
	"550 5.7.1 Message rejected as spam",
}

// failure returns the failure message of a step, "" for none.
func (w *writer) failure(m *message, s step) string {
	switch s.metric {
	case webhook.Attempted:
		return "Something went wrong!"
	case webhook.Dropped:
		return "Suppressed"
	case webhook.Deferred:
		return "421 4.7.0 Try again later"
	case webhook.Failed:
		return "Variable 'customer.plan' is missing"
	case webhook.Undeliverable:
		return "message limit"
	case webhook.Bounced:
		if m.ObjectType == webhook.SMS {
			return "30003"
		}
		return w.bounceReason(s)
	default:
		return ""
	}
}

func (w *writer) bounceReason(s step) string {
	switch s.variant {
	case hard:
		return "550 5.1.1 The email account that you tried to reach does not exist"
	case soft:
		return "452 4.2.2 The email account that you tried to reach is over quota"
	case blocked:
		provider := elsewhere
		if d := w.deliveries[s.delivery]; !d.forwarded {
			provider, _ = mailboxOf(uint64(d.person)) //nolint:gosec // never negative
		}
		return blockedBy[provider]
	default:
		return "The receiving server did not say why"
	}
}
