package warehousetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// HealthViews checks the views about mailbox providers like Views, with rows of their own:
// a rate is judged from some hundred deliveries on.
func HealthViews(t *testing.T, w Warehouse, query func(t *testing.T, sql string) [][]any) {
	t.Helper()
	p := suite{t: t, Warehouse: w}
	sink := p.open()
	for range 2 { // repeats must not count
		p.checkRejected(p.write(sink, HealthRows()))
	}
	for _, v := range healthViews {
		t.Run(v.name, func(t *testing.T) { v.check(t, query) })
	}
}

// HealthRows returns the rows of HealthViews, sent on September 1st and 2nd of 2025 in the
// workspace default, and on September 3rd in the workspace optout.
func HealthRows() []warehouse.Row {
	var s fixture
	s.addMessages()
	s.addOptouts()
	return s.rows
}

const (
	hardBounce  = "550 5.1.1 no such user"
	overQuota   = "452 4.2.2 over quota"
	blockedMail = "554 5.7.1 your host is on our block list"
	spfFailed   = "550-5.7.26 This mail has been blocked because the sender is unauthenticated."
	microsoft   = "550; 5.7.515 Access denied, sending domain example.com does not meet the required authentication level."
)

// mails adds n deliveries of a message to a domain, each with a sent event and, 10 s later,
// an event of the metric, "" for none. It returns the number of the first delivery.
func (s *fixture) mails(of webhook.Event, n int, domain, clock string, metric webhook.Metric, reason string) {
	for range n {
		of.DeliveryID = fmt.Sprintf("d%04d", len(s.rows))
		of.CustomerID = "p" + of.DeliveryID
		if of.Recipient = ""; domain != "" {
			of.Recipient = of.CustomerID + "@" + domain
		}
		s.add(of, clock, webhook.Sent)
		if metric != "" {
			s.later(10*time.Second, metric, reason)
		}
	}
}

// later adds an event of the last delivery, some time after the last event.
func (s *fixture) later(after time.Duration, metric webhook.Metric, reason string) {
	last := s.rows[len(s.rows)-1]
	e := last.Event
	e.Metric, e.FailureMessage, e.OccurredAt = metric, reason, e.OccurredAt.Add(after)
	s.rows = append(s.rows, warehouse.NewRow(&e, warehouse.Origin{
		EventID: fmt.Sprintf("event-%04d", len(s.rows)), Workspace: last.Workspace, ReceivedAt: e.OccurredAt.Add(time.Second),
	}))
}

// addMessages adds three messages in the workspace default.
func (s *fixture) addMessages() {
	// Yahoo delivers 1,000, one after a deferral of 10 minutes, and reports one complaint.
	a := webhook.Event{ObjectType: "email", CampaignID: 1, ActionID: 11}
	s.mails(a, 998, "yahoo.com", "9:00:00", "delivered", "")
	s.mails(a, 1, "yahoo.com", "9:00:00", "deferred", "421 4.7.0 [TSS04] deferred")
	s.later(590*time.Second, "delivered", "")
	s.mails(a, 1, "yahoo.com", "9:00:00", "delivered", "")
	s.later(time.Minute, "spammed", "")
	// Gmail delivers 380 of 400. One person opens twice and clicks, two unsubscribe, and two
	// complaints come through a forwarder.
	s.mails(a, 375, "gmail.com", "9:00:00", "delivered", "")
	s.mails(a, 1, "gmail.com", "9:00:00", "delivered", "")
	s.later(time.Minute, "opened", "")
	s.later(time.Minute, "opened", "")
	s.later(time.Minute, "clicked", "")
	for _, metric := range []webhook.Metric{"unsubscribed", "unsubscribed", "spammed", "spammed"} {
		s.mails(a, 1, "gmail.com", "9:00:00", "delivered", "")
		s.later(time.Minute, metric, "")
	}
	s.mails(a, 8, "gmail.com", "9:00:00", "bounced", hardBounce)
	s.mails(a, 7, "gmail.com", "9:00:00", "bounced", overQuota)
	s.mails(a, 4, "gmail.com", "9:00:00", "bounced", blockedMail)
	s.mails(a, 1, "gmail.com", "9:00:00", "bounced", spfFailed)

	// The next day Microsoft delivers 180 of 200, half of them after 30 s, and others 30 with
	// three complaints.
	b := webhook.Event{ObjectType: "email", NewsletterID: 2, ContentID: 21}
	s.mails(b, 90, "outlook.com", "33:00:00", "delivered", "")
	for range 90 {
		s.mails(b, 1, "outlook.com", "33:00:00", "", "")
		s.later(30*time.Second, "delivered", "")
	}
	s.mails(b, 10, "outlook.com", "33:00:00", "bounced", hardBounce)
	s.mails(b, 10, "outlook.com", "33:00:00", "bounced", microsoft)
	s.mails(b, 27, "example.com", "33:00:00", "delivered", "")
	for range 3 {
		s.mails(b, 1, "example.com", "33:00:00", "delivered", "")
		s.later(time.Minute, "spammed", "")
	}

	// Few e-mails: one is refused first and delivered later, one has no address and no
	// outcome. A bounced SMS is none.
	c := webhook.Event{ObjectType: "email", TransactionalMessage: "order"}
	s.mails(c, 20, "icloud.com", "33:00:00", "delivered", "")
	s.mails(c, 1, "icloud.com", "33:00:00", "bounced", blockedMail)
	s.later(time.Minute, "delivered", "")
	s.mails(c, 1, "", "33:00:00", "", "")
	s.mails(webhook.Event{ObjectType: "sms", CampaignID: 3}, 1, "", "33:00:00", "bounced", "554 blocked")
}

// addOptouts adds the workspace optout: who has opted out, and what is sent 48 hours and a
// second later, at 9:00:01 of September 3rd, unless a comment says otherwise.
func (s *fixture) addOptouts() {
	in := func(r *warehouse.Row) { r.Workspace = "optout" }
	person := func(id string) webhook.Event {
		return webhook.Event{ObjectType: "customer", CustomerID: id, EmailAddress: id + "@example.com"}
	}
	mail := func(id string) webhook.Event {
		return webhook.Event{ObjectType: "email", CustomerID: id, Recipient: id + "@example.com", CampaignID: 1, DeliveryID: "d-" + id}
	}
	const then = "57:00:01"

	s.add(person("a"), "9:00:00", "unsubscribed", in)
	s.add(mail("a"), then, "sent", in)
	s.add(person("b"), "9:00:01", "unsubscribed", in) // exactly 48 hours before
	s.add(mail("b"), then, "sent", in)
	s.add(person("c"), "9:00:00", "unsubscribed", in) // and comes back
	s.add(person("c"), "20:00:00", "subscribed", in)
	s.add(mail("c"), then, "sent", in)
	s.add(person("d"), "9:00:00", "unsubscribed", in) // and comes back too late
	s.add(mail("d"), then, "sent", in)
	s.add(person("d"), "58:00:00", "subscribed", in)

	complaint := mail("e")
	complaint.DeliveryID = "d-e0"
	s.add(complaint, "9:00:00", "spammed", in)
	s.add(mail("e"), then, "sent", in)
	receipt := mail("e") // not promotional
	receipt.CampaignID, receipt.TransactionalMessage, receipt.DeliveryID = 0, "receipt", "d-e1"
	s.add(receipt, then, "sent", in)

	bounce := mail("f") // of an address that the person has changed meanwhile
	bounce.Recipient, bounce.DeliveryID = "old@example.com", "d-f0"
	s.add(bounce, "9:00:00", "bounced", in, func(r *warehouse.Row) { r.Bounce = "hard" })
	s.add(mail("f"), then, "sent", in)
	bounce = mail("g")
	bounce.DeliveryID = "d-g0"
	s.add(bounce, "9:00:00", "bounced", in, func(r *warehouse.Row) { r.Bounce = "hard" })
	s.add(mail("g"), then, "sent", in)
	bounce = mail("h") // soft
	bounce.DeliveryID = "d-h0"
	s.add(bounce, "9:00:00", "bounced", in, func(r *warehouse.Row) { r.Bounce = "soft" })
	s.add(mail("h"), then, "sent", in)

	out := webhook.Event{ObjectType: "customer", EmailAddress: "I@Example.com"} // a workspace without ids
	s.add(out, "9:00:00", "unsubscribed", in)
	m := mail("i")
	m.CustomerID = ""
	s.add(m, then, "sent", in)

	s.add(person("j"), "8:00:00", "unsubscribed", in) // twice, and a complaint: the first counts
	s.add(person("j"), "9:00:00", "unsubscribed", in)
	s.add(mail("j"), then, "sent", in)
	s.add(person("k"), "7:00:00", "unsubscribed", in) // again after a subscribe: the second counts
	s.add(person("k"), "8:00:00", "subscribed", in)
	s.add(person("k"), "9:00:00", "unsubscribed", in)
	s.add(mail("k"), then, "sent", in)
	s.add(person("l"), "9:00:00", "unsubscribed") // in another workspace
	s.add(mail("l"), then, "sent", in)
}

const ofDefault = " WHERE workspace = 'default'"

var healthViews = []view{
	{warehouse.MailboxDaily + ofDefault, `day, mailbox_provider, deliveries, sent, delivered, hard_bounces, soft_bounces, unknown_bounces, blocked, unauthenticated, deferred,
		complaints, unsubscribes, human_opens, human_clicks, p95_delivery_seconds`, `
2025-09-01 yahoo     1000 1000 1000 0  0  0 0  0  1  1 0 0 0  10
2025-09-01 gmail     400  400  380  8  12 0 5  1  0  2 2 1 1  10
2025-09-02 microsoft 200  200  180  10 10 0 10 10 0  0 0 0 0  30
2025-09-02 other     31   31   30   0  0  0 0  0  0  3 0 0 0  10
2025-09-02 apple     21   21   21   0  0  0 0  0  0  0 0 0 0  10`},

	{warehouse.MailboxDaily + "_between('2025-09-02', '2025-09-03')" + ofDefault, `day, mailbox_provider, sent, complaints`, `
2025-09-02 microsoft 200  0
2025-09-02 other     31   3
2025-09-02 apple     21   0`},

	{warehouse.MessageHealth + ofDefault, `object_type, source, source_id, action_id, content_id, mailbox_provider, sent, delivered, hard_bounces, blocked, unauthenticated, complaints, complaints_outside_gmail, delivered_outside_gmail,
		bounce_rate, blocked_rate, complaint_rate, bounce_status, blocked_status, authentication_status, complaint_status, status`, `
email campaign      1     11 -   yahoo     1000 1000 0  0  0  1 1 1000 0     0     0.001 ok   ok   ok   warn warn
email campaign      1     11 -   gmail     400  380  8  5  1  2 0 0    0.02  0.013 -     warn warn warn -    warn
email campaign      1     11 -   all       1400 1380 8  5  1  3 1 1000 0.006 0.004 0.001 ok   ok   warn warn warn
email newsletter    2     -  21  microsoft 200  180  10 10 10 0 0 180  0.05  0.05  0     bad  bad  bad  few  bad
email newsletter    2     -  21  other     30   30   0  0  0  3 3 30   0     0     0.1   few  few  ok   bad  bad
email newsletter    2     -  21  all       230  210  10 10 10 3 3 210  0.043 0.043 0.014 warn warn bad  bad  bad
email transactional order -  -   apple     21   21   0  0  0  0 0 21   0     0     0     few  few  ok   few  few
email transactional order -  -   other     1    0    0  0  0  0 0 0    0     0     -     few  few  ok   few  few
email transactional order -  -   all       22   21   0  0  0  0 0 21   0     0     0     few  few  ok   few  few`},

	// Complaints at Gmail, through a forwarder for example, do not count in the rate.
	{warehouse.Messages + ofDefault, `object_type, source, source_id, delivered, complaints, complaints_outside_gmail, delivered_outside_gmail, complaint_rate`, `
email campaign      1     1380 3 1 1000 0.001
email newsletter    2     210  3 3 210  0.014
email transactional order 21   0 0 21   0
sms   campaign      3     0    0 0 0    -`},
	{warehouse.Daily + ofDefault, `source, day, complaints, complaints_outside_gmail, delivered_outside_gmail`, `
campaign      2025-09-01 3 1 1000
newsletter    2025-09-02 3 3 210
transactional 2025-09-02 0 0 21
campaign      2025-09-02 0 0 0`},
	{warehouse.Messages + "_between('2025-09-01', '2025-09-01')" + ofDefault, `complaints, complaints_outside_gmail, complaint_rate`, `
3 1 0.001`},

	{warehouse.SentAfterOptout, `workspace, day, source, source_id, delivery_id, customer_id, sent_at, opted_out_at, reason, hours_after`, `
optout 2025-09-03 campaign 1 d-a a 09-03T09:00:01 09:00:00 unsubscribed 48
optout 2025-09-03 campaign 1 d-d d 09-03T09:00:01 09:00:00 unsubscribed 48
optout 2025-09-03 campaign 1 d-e e 09-03T09:00:01 09:00:00 complained   48
optout 2025-09-03 campaign 1 d-g g 09-03T09:00:01 09:00:00 hard_bounce  48
optout 2025-09-03 campaign 1 d-i - 09-03T09:00:01 09:00:00 unsubscribed 48
optout 2025-09-03 campaign 1 d-j j 09-03T09:00:01 08:00:00 unsubscribed 49
optout 2025-09-03 campaign 1 d-k k 09-03T09:00:01 09:00:00 unsubscribed 48`},

	// The days are those of the e-mails.
	{warehouse.SentAfterOptout + "_between('2025-09-03', '2025-09-03') WHERE customer_id IN ('a', 'k')", `delivery_id, opted_out_at, reason`, `
d-a 09:00:00 unsubscribed
d-k 09:00:00 unsubscribed`},
	{warehouse.SentAfterOptout + "_between('2025-09-01', '2025-09-02')", `delivery_id`, ``},
}
