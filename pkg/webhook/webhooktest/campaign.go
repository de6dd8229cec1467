package webhooktest

import (
	"cmp"
	"iter"
	"time"
)

// A Campaign simulates an e-mail campaign: a message to each of Deliveries people, and
// the events that follow. Equal campaigns make equal events, byte for byte.
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

// The rates of a campaign, in the order of a message's life. The rates are typical of a
// permission-based newsletter. The rate of complaints is at the upper end of the rates
// that mailbox providers accept.
const (
	dropRate   = 0.01 // of the deliveries: the address is on a suppression list
	bounceRate = 0.02 // of the deliveries; all other messages are delivered
	hardShare  = 0.60 // of the bounces
	softShare  = 0.30 // of the bounces; the other failure messages do not tell
	deferRate  = 0.01 // of the delivered, before the delivery

	openRate        = 0.45 // of the delivered, like the rates below
	prefetchedShare = 0.35 // of the first opens: by machines
	repeatShare     = 0.15 // of the opened: a second open, by a human
	clickRate       = 0.08
	machineShare    = 0.05 // of the clicks
	conversionRate  = 0.015
	unsubscribeRate = 0.004
	complaintRate   = 0.0008
)

const sendingTime = time.Hour

// In a campaign of at least 1000 deliveries, delivery 500 is always delivered and
// reported as spam, so that a test can rely on a complaint.
const (
	complainer      = 500
	complainerFloor = 1000
)

// Events yields the bodies of the events in the order of their times. The caller may
// keep and change each body. Events plans the whole campaign before the first body, at
// 24 bytes per event.
func (c Campaign) Events() iter.Seq[[]byte] {
	c = c.withDefaults()
	return func(yield func([]byte) bool) {
		w := newWriter(c)
		for i, s := range c.plan() {
			if !yield(w.body(uint64(i), s)) {
				return
			}
		}
	}
}

func (c Campaign) withDefaults() Campaign {
	c.CampaignID = cmp.Or(c.CampaignID, 1)
	if c.Start.IsZero() {
		c.Start = time.Date(2025, time.September, 1, 9, 0, 0, 0, time.UTC)
	}
	return c
}
