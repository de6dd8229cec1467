package warehousetest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// mailbox returns the mailbox provider of a delivery.
func (d *delivery) mailbox() string { return cmp.Or(d.provider, "other") }

// refusal is that of the delivery's last bounce, if the delivery ended with it.
func (d *delivery) refusal() string {
	r := warehouse.Row{}
	r.ObjectType, r.Metric, r.Bounce, r.FailureMessage = "email", "bounced", d.outcome(), lastOf(d.failures)
	if r.Bounce != "soft" && r.Bounce != "unknown" {
		return ""
	}
	return r.Refusal()
}

// mails counts refusals beside the rest.
type mails struct {
	tally

	blocked, unauthenticated, deferred int64
	seconds                            []float64
}

func (m *mails) add(d *delivery) {
	m.tally.add(d)
	switch d.refusal() {
	case warehouse.Unauthenticated:
		m.unauthenticated++
		m.blocked++
	case warehouse.Blocked:
		m.blocked++
	}
	if !d.deferred.IsZero() {
		m.deferred++
	}
	if d.outcome() == "delivered" && !d.sent.IsZero() {
		m.seconds = append(m.seconds, max(d.delivered.Sub(d.sent).Seconds(), 0))
	}
}

type mailboxDay struct {
	workspace string
	day       any
	provider  string
}

type messageAt struct {
	message  msg
	provider string
}

// health adds the rows of the views about mailbox providers.
func (c *count) health(put func(view string, parts ...[]any)) {
	days, messages := map[mailboxDay]*mails{}, map[messageAt]*mails{}
	for _, d := range c.deliveries {
		if d.message.object != "email" {
			continue
		}
		into(days, mailboxDay{d.message.workspace, c.day(d.began()), d.mailbox()}).add(d)
		into(messages, messageAt{d.message, d.mailbox()}).add(d)
		into(messages, messageAt{d.message, "all"}).add(d)
	}
	for k, m := range days {
		slices.Sort(m.seconds)
		put(warehouse.MailboxDaily, []any{
			k.workspace, k.day, k.provider, m.deliveries, m.sent, m.delivered, m.hard, m.soft, m.unknown,
			m.blocked, m.unauthenticated, m.deferred, m.complaints, m.unsubscribes, m.opens, m.clicks, percentile(m.seconds, 0.95),
		})
	}
	for k, m := range messages {
		put(warehouse.MessageHealth, k.message.values(), []any{nil, k.provider}, m.measures(k.provider))
	}
	c.optouts(put)
}

func into[K comparable](m map[K]*mails, key K) *mails {
	if m[key] == nil {
		m[key] = &mails{}
	}
	return m[key]
}

// measures are judged as the table in docs/operations.md says.
func (m *mails) measures(provider string) []any {
	rate := func(n, of int64, warn, bad float64, enough bool) string {
		share := float64(n) / float64(of)
		switch {
		case !enough:
			return "few"
		case share >= bad:
			return "bad"
		case share >= warn:
			return "warn"
		default:
			return "ok"
		}
	}
	bounces, refused := rate(m.hard, m.sent, 0.02, 0.05, m.sent >= 200), rate(m.blocked, m.sent, 0.01, 0.05, m.sent >= 200)
	complaints, signed := any(nil), "ok"
	if provider != "gmail" {
		complaints = rate(m.heard, m.outside, 0.001, 0.003, m.outside >= 1000 || m.heard >= 3)
	}
	if m.unauthenticated >= 10 {
		signed = "bad"
	} else if m.unauthenticated >= 1 {
		signed = "warn"
	}
	worst := "few"
	for _, status := range []string{"ok", "warn", "bad"} {
		if slices.Contains([]any{bounces, refused, complaints}, any(status)) || status != "ok" && signed == status {
			worst = status
		}
	}
	return []any{
		m.sent, m.delivered, m.hard, m.blocked, m.unauthenticated, m.complaints, m.heard, m.outside,
		of(m.hard, m.sent), of(m.blocked, m.sent), of(m.heard, m.outside), bounces, refused, signed, complaints, worst,
	}
}

// A choice is an opt-out or a subscribe.
type choice struct {
	at              time.Time
	reason, address string // address is set if the choice is about an address only
}

const subscribed = "subscribed"

func choiceOf(r *warehouse.Row) (choice, bool) {
	ch, email := choice{at: r.Timestamp}, r.ObjectType == "email"
	switch {
	case r.Timestamp.IsZero():
	case r.Metric == "subscribed":
		ch.reason = subscribed
	case r.Metric == "unsubscribed" && (email || r.ObjectType == "customer"):
		ch.reason = "unsubscribed"
	case email && r.Metric == "spammed":
		ch.reason = "complained"
	case email && r.Metric == "bounced" && r.Bounce == "hard":
		ch.reason, ch.address = "hard_bounce", strings.ToLower(r.Address)
	}
	return ch, ch.reason != ""
}

func personOf(r *warehouse.Row) [2]string {
	return [2]string{r.Workspace, cmp.Or(r.PersonID, strings.ToLower(r.Address))}
}

func (c *count) optouts(put func(view string, parts ...[]any)) {
	choices, sent := map[[2]string][]choice{}, map[[2]string]*warehouse.Row{}
	for _, r := range c.events {
		if ch, ok := choiceOf(r); ok {
			choices[personOf(r)] = append(choices[personOf(r)], ch)
		}
		if r.Metric == "sent" {
			sent[[2]string{r.Workspace, r.DeliveryID}] = r
		}
	}
	for _, d := range c.deliveries {
		r := sent[[2]string{d.message.workspace, d.id}]
		if r == nil || r.ObjectType != "email" || !slices.Contains([]string{"campaign", "broadcast", "newsletter"}, r.Source) {
			continue
		}
		if o := firstOptout(choices[personOf(r)], d.sent, strings.ToLower(r.Address)); o.reason != "" {
			put(warehouse.SentAfterOptout, d.message.values(c.day(d.sent)), []any{nil, d.id, null(r.PersonID), d.sent, o.at, o.reason, d.sent.Sub(o.at).Hours()})
		}
	}
}

// firstOptout returns the first opt-out that forbids an e-mail at the time.
func firstOptout(list []choice, sent time.Time, address string) (first choice) {
	for _, o := range list {
		back := func(s choice) bool { return s.reason == subscribed && s.at.After(o.at) && !s.at.After(sent) }
		if o.reason == subscribed || o.address != "" && o.address != address || sent.Sub(o.at) <= 48*time.Hour || slices.ContainsFunc(list, back) {
			continue
		}
		if first.reason == "" || cmp.Or(o.at.Compare(first.at), cmp.Compare(o.reason, first.reason)) < 0 {
			first = o
		}
	}
	return first
}
