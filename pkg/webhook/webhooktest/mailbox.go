package webhooktest

import (
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// rates are the rates of a kind of message, in the order of a message's life. A rate of 0
// means that the event does not occur.
type rates struct {
	mailbox bool // e-mail: Customer.io infers opens and knows bounced addresses

	drop    float64 // of the deliveries: the address is on a suppression list
	failure float64 // of the deliveries: not sent, once for each of two metrics
	attempt float64 // of the deliveries: sent at the second attempt

	bounce  float64 // of the deliveries; all other messages are delivered
	hard    float64 // of the bounces
	soft    float64 // of the bounces
	blocked float64 // of the bounces; the other failure messages do not tell

	undelivered bool          // the channel has no delivered events
	deferral    float64       // of the delivered, before the delivery
	softFirst   float64       // of the deferred: a soft bounce before the delivery
	latency     time.Duration // from sent to delivered, on average
	lateBounce  float64       // of the delivered: a bounce after the delivery

	scan        float64 // of the delivered: clicks by a link scanner
	directClick float64 // of the delivered: a click without an open
	fastClick   float64 // of the delivered: a click by an unknown robot
	open        float64 // of the delivered, like the rates below
	prefetched  float64 // of the first opens: by machines
	proxied     bool    // opens by people come through a proxy
	repeat      float64 // of the opened: a second open, by a human
	click       float64
	machine     float64 // of the clicks
	unmarked    float64 // of the opens and clicks by people
	conversion  float64
	reply       float64
	unsubscribe float64
	complaint   float64
	preferences float64 // of the opened and clicked: changed by a link in the message
	account     float64 // of the opened and clicked: changed on the sender's website
	leaving     float64 // of the opened and clicked: opted out on the sender's website
	returning   float64 // of the people who opted out: opted in again
}

// A mailbox is a mailbox provider with its behaviour.
type mailbox struct {
	share   int // of 100 people
	domains []string
	rates   rates
}

// mailboxes are mailbox providers. Their users' names consist of letters, digits and some
// of the signs . _ -, so that the addresses of a mix, with a ~, can be nobody's. The
// domains of the last are reserved by RFC 2606.
//
// Apple opens most messages itself, Gmail some; Gmail's users open through its proxy. Gmail
// reports no complaints. Companies at Microsoft and elsewhere scan links.
var mailboxes = []mailbox{
	{45, []string{"gmail.com"}, rates{
		bounce: 0.012, deferral: 0.006, latency: 3 * time.Second, open: 0.42, prefetched: 0.10, proxied: true, click: 0.045,
	}},
	{18, []string{"outlook.com", "hotmail.com", "live.com"}, rates{
		bounce: 0.020, deferral: 0.015, latency: 25 * time.Second, scan: 0.03, open: 0.30, prefetched: 0.08, click: 0.035, complaint: 0.0008,
	}},
	{10, []string{"yahoo.com", "aol.com"}, rates{
		bounce: 0.018, deferral: 0.040, latency: 8 * time.Second, open: 0.34, prefetched: 0.05, click: 0.03, complaint: 0.0010,
	}},
	{9, []string{"icloud.com", "me.com"}, rates{
		bounce: 0.010, deferral: 0.005, latency: 5 * time.Second, open: 0.75, prefetched: 0.70, proxied: true, click: 0.05, complaint: 0.0003,
	}},
	{18, []string{"example.com", "example.org", "example.net"}, rates{
		bounce: 0.025, deferral: 0.010, latency: 10 * time.Second, scan: 0.05, open: 0.33, prefetched: 0.05, click: 0.04, complaint: 0.0005,
	}},
}

// elsewhere is the provider of a forwarded message's recipient.
const elsewhere = 4

const peopleStream = 0x8CB92BA72F3D8DD7

// mailboxOf returns the provider of person n, the same in each mix, and a number for the
// choice of a domain.
func mailboxOf(n uint64) (provider int, choice uint64) {
	z := mix(n ^ peopleStream)
	left := int(z % 100)
	for left >= mailboxes[provider].share {
		left -= mailboxes[provider].share
		provider++
	}
	return provider, z >> 32
}

func domainOf(n uint64) string {
	provider, choice := mailboxOf(n)
	domains := mailboxes[provider].domains
	return domains[choice%uint64(len(domains))]
}

// phone returns a number of North America that is reserved for fiction: 555-0100 to
// 555-0199.
func phone(n uint64) string {
	areas := [...]int{202, 303, 404, 512, 617, 702, 808, 916}
	return "+1" + strconv.Itoa(areas[n/100%uint64(len(areas))]*10_000_000+5_550_100+int(n%100))
}

// ratesOf returns the rates of a message to a recipient with a mailbox at the provider.
func ratesOf(m *message, provider int) rates {
	r := channels[m.ObjectType]
	if m.ObjectType == webhook.Email {
		r = mailboxes[provider].rates.withDefaults()
	}
	r.open = min(0.95, r.open*m.appeal)
	r.click *= m.appeal * m.urge
	if r.open > 0 {
		r.click = min(r.click, r.open)
	}
	if m.promotional {
		return r
	}
	r.unsubscribe, r.complaint, r.preferences, r.account, r.leaving = 0, 0, 0, 0, 0
	return r
}

// withDefaults sets the rates that are the same at all providers.
func (r rates) withDefaults() rates {
	r.mailbox = true
	r.drop, r.failure, r.attempt = 0.004, 0.001, 0.002
	r.hard, r.soft, r.blocked = 0.55, 0.25, 0.12
	r.softFirst, r.lateBounce = 0.2, 0.0005
	r.directClick, r.fastClick = 0.006, 0.002
	r.repeat, r.machine, r.unmarked, r.conversion = 0.15, 0.03, 0.03, 0.008
	r.unsubscribe, r.leaving, r.returning = 0.003, 0.003, 0.34
	r.preferences, r.account = 0.004, 0.002
	return r
}

// channels are the rates of messages that are no e-mails.
var channels = map[webhook.ObjectType]rates{
	webhook.Push:  {drop: 0.02, bounce: 0.03, latency: 2 * time.Second, open: 0.18, click: 0.08, conversion: 0.04},
	webhook.SMS:   {failure: 0.004, bounce: 0.02, latency: 4 * time.Second, directClick: 0.10, click: 0.10, conversion: 0.05, reply: 0.02},
	webhook.InApp: {failure: 0.002, undelivered: true, open: 0.55, click: 0.15, conversion: 0.05},
}
