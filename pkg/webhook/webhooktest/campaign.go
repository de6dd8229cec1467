package webhooktest

import (
	"cmp"
	"iter"
	"time"
)

// A Campaign simulates one e-mail campaign: one message each to as many people,
// and what became of it. Equal campaigns make equal events, byte for byte.
type Campaign struct {
	// Seed sets the course of events, and their ids together with CampaignID:
	// campaigns that differ in either have no event or delivery id in common.
	Seed uint64
	// Deliveries is the number of messages. The people are person-000000 and so
	// on, in the order of sending.
	Deliveries int
	// CampaignID is 1 if it is 0.
	CampaignID int64
	// Start is when the first message is sent; the last is sent an hour later and
	// the last reaction comes within a week. The default is an arbitrary Monday,
	// 2025-09-01 at 09:00 UTC, and not now, so that a campaign can be repeated.
	Start time.Time
}

// The campaign's rates, in the order of a message's life. They are those of a
// permission-based newsletter; complaints are at the upper end of what mailbox
// providers accept.
const (
	dropRate   = 0.01 // of the deliveries: the address is on a suppression list
	bounceRate = 0.02 // of the deliveries; all others are delivered
	hardShare  = 0.60 // of the bounces
	softShare  = 0.30 // of the bounces; the rest say neither
	deferRate  = 0.01 // of the delivered, before that

	openRate        = 0.45 // of the delivered, as are the rates below
	prefetchedShare = 0.35 // of the first opens: by machines
	repeatShare     = 0.15 // of the opened: once more, by a human
	clickRate       = 0.08
	machineShare    = 0.05 // of the clicks
	conversionRate  = 0.015
	unsubscribeRate = 0.004
	complaintRate   = 0.0008
)

const sendingTime = time.Hour

// In a campaign of 1000 deliveries or more, this one is always delivered and
// reported as spam, so that a test can rely on a complaint.
const (
	complainer      = 500
	complainerFloor = 1000
)

// Events yields the bodies in the order in which the events occur. Each body is
// the caller's to keep. All events are planned before the first one is yielded,
// at 24 bytes each.
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
