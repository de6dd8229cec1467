package webhooktest

import (
	"cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A step is an event of a delivery, or of a person because of a delivery.
type step struct {
	at       int64 // unix seconds
	metric   webhook.Metric
	delivery int32 // index in the plan
	variant  variant
	number   uint8 // of the delivery's steps, in their order
}

// A variant distinguishes steps with the same metric.
type variant uint8

const (
	plain     variant = iota
	hard              // bounced
	soft              // bounced
	blocked           // bounced: refused because of the sender, which is soft
	unclear           // bounced
	machine           // opened, clicked
	proxied           // opened by a person through a proxy
	unmarked          // opened, clicked: the body does not say by whom
	synthetic         // opened, inferred from the click before
	second            // like synthetic, with the event_id of the click
	profile           // of the person: without a delivery
)

// human reports whether a person opened or clicked. An open that was inferred from a
// click is not a person's: the click may be a machine's.
func (v variant) human() bool { return v != machine && v != synthetic && v != second }

// order sorts by time, and within a second by delivery.
func order(a, b step) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delivery, b.delivery), cmp.Compare(a.number, b.number))
}

// A delivery is a message to a person.
type delivery struct {
	message, person int32
	// forwarded is set if the message went to another address than the person's own.
	forwarded bool
}

// A plan has everything that a writer and Totals need to know.
type plan struct {
	messages   []message
	people     people
	deliveries []delivery
	steps      []step // in the order of their times
}
