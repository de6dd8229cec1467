package webhooktest

import (
	"cmp"
	"iter"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Campaign simulates an e-mail campaign: a message to each of Deliveries people, and
// the events that follow. Equal campaigns make equal events, byte for byte. Mix simulates
// more kinds of messages.
type Campaign struct {
	// Seed determines the events, and together with CampaignID their ids: campaigns
	// with another Seed or CampaignID share no event id and no delivery id.
	Seed uint64
	// Deliveries is the number of messages, one per person. The people are
	// person-000000, person-000001 and so on, in the order of sending.
	Deliveries int
	// CampaignID is the campaign_id of the events. Default 1.
	CampaignID int64
	// Start is the time of the first message. The last message follows within an
	// hour, and the last reaction within a week. The default is an arbitrary Monday,
	// 2025-09-01 at 09:00 UTC, and not the current time, so that a campaign can be
	// repeated.
	Start time.Time
}

// campaignRates are typical of a permission-based newsletter. The rate of complaints is
// at the upper end of the rates that mailbox providers accept.
var campaignRates = rates{
	mailbox: true, drop: 0.01, bounce: 0.02, hard: 0.60, soft: 0.30, deferral: 0.01, latency: 3 * time.Second,
	open: 0.45, prefetched: 0.35, repeat: 0.15, click: 0.08, machine: 0.05, conversion: 0.015,
	unsubscribe: 0.004, complaint: 0.0008,
}

const sendingTime = time.Hour

// In a campaign of at least 1000 deliveries, delivery 500 is always delivered and
// reported as spam, so that a test can rely on a complaint.
const (
	complainer      = 500
	complainerFloor = 1000
)

// Events yields the bodies of the events in the order of their times. The caller may
// keep and change each body. Events plans the whole campaign before the first body, at
// 40 bytes per event.
func (c Campaign) Events() iter.Seq[[]byte] {
	c = c.withDefaults()
	return func(yield func([]byte) bool) {
		newWriter(c.plan(), mix(c.Seed)^uint64(c.CampaignID), c.Start).write(yield) //nolint:gosec // any bits will do
	}
}

// Totals counts the campaign's events without writing their bodies.
func (c Campaign) Totals() Totals { return count(c.withDefaults().plan()) }

func (c Campaign) withDefaults() Campaign {
	c.CampaignID = cmp.Or(c.CampaignID, 1)
	c.Deliveries = max(c.Deliveries, 0)
	c.Start = cmp.Or(c.Start, defaultStart)
	return c
}

var defaultStart = time.Date(2025, time.September, 1, 9, 0, 0, 0, time.UTC)

// plan plans all deliveries, each to another person.
func (c Campaign) plan() *plan {
	p := newPlanner(c.Seed, c.Deliveries)
	p.messages = []message{c.message()}
	p.people = people{id: "person-", local: "person-", domain: func(uint64) string { return "example.com" }}
	p.persons = make([]person, c.Deliveries)
	for i := range c.Deliveries {
		at := c.Start.Unix() + int64(i)*int64(sendingTime/time.Second)/int64(c.Deliveries)
		p.begin(delivery{person: int32(i)}, at)
		p.send(campaignRates, c.Deliveries >= complainerFloor && i == complainer)
	}
	return p.sorted()
}

func (c Campaign) message() message {
	return message{
		Message: Message{webhook.Email, "campaign", strconv.FormatInt(c.CampaignID, 10), 10*c.CampaignID + 1, 0},
		parent:  10 * c.CampaignID,
		subject: "What is new this month – and what comes next",
	}
}
