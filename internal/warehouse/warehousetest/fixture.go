package warehousetest

import (
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A fixture collects the rows that Views writes.
type fixture struct{ rows []warehouse.Row }

// add adds an event of a delivery at a time of the first day, 2025-09-01, or, from
// "24:00:00" on, of the second day. The event was received a second later.
func (s *fixture) add(of webhook.Event, clock string, metric webhook.Metric, more ...func(*warehouse.Row)) {
	var h, m, sec int
	if _, err := fmt.Sscanf(clock, "%d:%d:%d", &h, &m, &sec); err != nil {
		panic(fmt.Sprintf("warehousetest: time %q: %v", clock, err))
	}
	of.Metric = metric
	of.OccurredAt = time.Date(2025, time.September, 1, h, m, sec, 0, time.UTC)
	of.Raw = []byte("{}")
	r := warehouse.NewRow(&of, warehouse.Origin{
		EventID: fmt.Sprintf("event-%02d", len(s.rows)), Workspace: "default", ReceivedAt: of.OccurredAt.Add(time.Second),
	})
	for _, change := range more {
		change(&r)
	}
	s.rows = append(s.rows, r)
}

func human(r *warehouse.Row)   { r.ByMachine = new(false) }
func machine(r *warehouse.Row) { r.ByMachine = new(true) }
func link(r *warehouse.Row)    { r.LinkID, r.Href = 1, "https://example.com/" }
func hard(r *warehouse.Row)    { r.Bounce, r.FailureMessage = "hard", "550-5.1.1" }
func soft(r *warehouse.Row)    { r.Bounce, r.FailureMessage = "soft", "452-4.2.2" }

func href(url string) func(*warehouse.Row) {
	return func(r *warehouse.Row) { r.Href = url }
}

func after(d time.Duration) func(*warehouse.Row) {
	return func(r *warehouse.Row) { r.ReceivedAt = r.Timestamp.Add(d) }
}

// fixtureRows returns the events of campaign 7 with four e-mails, of which three are
// delivered and one bounces, and a few other events.
func fixtureRows() []warehouse.Row {
	email := func(n int, recipient string) webhook.Event {
		return webhook.Event{ObjectType: "email", DeliveryID: fmt.Sprintf("d%d", n), CustomerID: fmt.Sprintf("p%d", n), Recipient: recipient, CampaignID: 7}
	}
	var s fixture

	// A machine opens, then a person 100 s after the delivery. The last three events
	// are after midnight in UTC.
	d1 := email(1, "a@example.com")
	s.add(d1, "9:00:00", "sent")
	s.add(d1, "9:00:10", "delivered")
	s.add(d1, "9:00:20", "opened", machine)
	s.add(d1, "9:01:50", "opened", human)
	s.add(d1, "9:02:00", "clicked", human, link)
	s.add(d1, "24:30:00", "opened", human)
	s.add(d1, "24:31:00", "clicked", human, link, href("https://example.com/u/2?x=1"))
	s.add(d1, "24:40:00", "converted")

	// An open without is_machine, 200 s after the delivery, counts as a person's.
	d2 := email(2, "b@example.com")
	s.add(d2, "9:00:00", "sent")
	s.add(d2, "9:00:10", "delivered")
	s.add(d2, "9:03:30", "opened")
	s.add(d2, "9:04:00", "unsubscribed")

	// Only machines open and click.
	d3 := email(3, "c@example.com")
	s.add(d3, "9:00:00", "sent")
	s.add(d3, "9:00:10", "delivered")
	s.add(d3, "9:00:15", "opened", machine)
	s.add(d3, "9:00:16", "clicked", machine, link)

	// A bounce is reported twice.
	d4 := email(4, "d@Example.ORG")
	s.add(d4, "9:00:00", "sent")
	s.add(d4, "9:00:30", "bounced", hard)
	s.add(d4, "9:00:40", "bounced", hard)

	// A message is never sent, so the rates have no denominator.
	d5 := webhook.Event{ObjectType: "push", DeliveryID: "d5", CustomerID: "p5", CampaignID: 8}
	s.add(d5, "9:05:00", "dropped")

	// A message has no campaign and no delivered event, so the time to open counts from
	// the sent event. The four events of this hour arrived within 100 to 400 ms.
	d6 := webhook.Event{ObjectType: "email", DeliveryID: "d6", CustomerID: "p6", Recipient: "f@example.com", TransactionalMessageID: 3, TransactionalMessage: "3"}
	s.add(d6, "10:00:00", "sent", after(100*time.Millisecond))
	s.add(d6, "10:00:30", "opened", human, after(400*time.Millisecond))
	s.add(d6, "10:20:00", "spammed", after(200*time.Millisecond))

	// An event of a person, without a delivery.
	s.add(webhook.Event{ObjectType: "customer", CustomerID: "p2"}, "10:15:00", "unsubscribed", after(300*time.Millisecond))

	// Another workspace has campaigns and deliveries with the same numbers.
	other := func(r *warehouse.Row) { r.Workspace = "other" }
	o1 := email(1, "x@example.com")
	s.add(o1, "12:00:00", "sent", other)
	s.add(o1, "12:00:10", "delivered", other)
	s.add(o1, "12:00:13", "clicked", other, human, link) // a second too late for fast_click

	// A recipient has no domain.
	d7 := webhook.Event{ObjectType: "sms", DeliveryID: "d7", CustomerID: "p7", Recipient: "+15550100", CampaignID: 9}
	s.add(d7, "13:00:00", "sent")
	s.add(d7, "13:00:05", "bounced", func(r *warehouse.Row) { r.Bounce, r.FailureMessage = "unknown", "30003" })

	s.newsletters()
	s.resets()

	// A body has no timestamp.
	s.add(webhook.Event{ObjectType: "email"}, "11:00:00", "drafted", func(r *warehouse.Row) { r.Timestamp = time.Time{} })
	return s.rows
}

// newsletters adds two newsletters, of which one has two variants, and a broadcast.
func (s *fixture) newsletters() {
	email := func(n int, recipient string) webhook.Event {
		return webhook.Event{ObjectType: "email", DeliveryID: fmt.Sprintf("d%d", n), CustomerID: fmt.Sprintf("p%d", n), Recipient: recipient}
	}

	// A click without an open, 2 s after the delivery: Customer.io concludes an open.
	d8 := email(8, "h@gmail.com")
	d8.NewsletterID, d8.ContentID = 20, 201
	s.add(d8, "14:00:00", "sent")
	s.add(d8, "14:00:10", "delivered")
	s.add(d8, "14:00:12", "opened", human, func(r *warehouse.Row) { r.Synthetic = new(true) })
	s.add(d8, "14:00:12", "clicked", human, href("https://example.org/a?utm=1#top"))
	s.add(d8, "14:05:00", "clicked", human, href("https://example.org/a?utm=2"))

	// A soft bounce is delivered later.
	d9 := email(9, "i@outlook.com")
	d9.NewsletterID = 21
	s.add(d9, "14:00:00", "sent")
	s.add(d9, "14:00:02", "deferred")
	s.add(d9, "14:00:05", "bounced", soft)
	s.add(d9, "14:10:00", "delivered")

	// Of two outcomes in one second, the bounce is the last.
	d10 := email(10, "j@outlook.com")
	d10.NewsletterID = 21
	s.add(d10, "14:00:00", "sent")
	s.add(d10, "14:00:20", "bounced", hard)
	s.add(d10, "14:00:20", "delivered")

	// A person opens before the mailbox provider reports the delivery.
	d11 := email(11, "k@yahoo.com")
	d11.BroadcastID, d11.ActionID = 30, 31
	s.add(d11, "14:00:00", "sent")
	s.add(d11, "14:00:05", "opened", human)
	s.add(d11, "14:00:10", "delivered")
	s.add(d11, "14:01:00", "clicked", human, href("https://example.org/cta"), func(r *warehouse.Row) { r.LinkName = "cta" })

	// Sent after midnight in UTC, and opened after midnight in New York.
	d12 := email(12, "l@gmail.com")
	d12.NewsletterID, d12.ContentID = 20, 202
	s.add(d12, "24:30:00", "sent")
	s.add(d12, "24:30:10", "delivered")
	s.add(d12, "28:30:00", "opened", human)
}

// resets adds five clicks on the links of five password resets, whose other events are
// missing, and a change of preferences.
func (s *fixture) resets() {
	for i := 1; i <= 5; i++ {
		reset := webhook.Event{ObjectType: "email", DeliveryID: fmt.Sprintf("r%d", i), CustomerID: fmt.Sprintf("q%d", i), Recipient: "m@example.com", TransactionalMessage: "password_reset"}
		url := fmt.Sprintf("https://example.com/reset/0123456789abcdef%08d?token=%d#form", i, i)
		s.add(reset, fmt.Sprintf("15:00:%02d", i), "clicked", human, href(url), func(r *warehouse.Row) { r.LinkID = 5 })
	}
	s.add(webhook.Event{ObjectType: "customer", CustomerID: "p2"}, "16:00:00", webhook.PreferencesChanged,
		func(r *warehouse.Row) { r.Preferences = `{"topics":{"topic_1":true,"topic_7":false}}` })
}
