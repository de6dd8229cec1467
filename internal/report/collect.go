package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A group counts deliveries that are equal in all of a report's lists. It is a row of the
// statement of groups.
type group struct {
	Key
	Day          string
	Provider     string
	Outcome      string
	Reason       string
	Deliveries   int64
	Sent         int64
	Opens        int64
	Clicks       int64
	Conversions  int64
	Unsubscribes int64
	Complaints   int64
	Newest       time.Time
	// depth is groupOfEqual, groupOfMessage or groupOfChannel.
	depth             int64
	toOpen, toDeliver *Times
}

// The depths of groups: the number of the keys without a value, of the day and the source.
const (
	groupOfEqual = iota
	groupOfMessage
	groupOfChannel
)

// newGroup reads a row in the order of the columns of groups.
func newGroup(row []any) *group {
	text := func(i int) string { s, _ := row[i].(string); return s }
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	times := func(count, first int) *Times {
		if number(count) == 0 {
			return nil
		}
		p := func(i int) float64 { f, _ := row[first+2*i].(float64); return f }
		return &Times{number(count), p(0), p(1), p(2)}
	}
	newest, _ := row[17].(time.Time)
	return &group{
		Key: Key{Workspace: text(0), ObjectType: text(1), Source: text(2), SourceID: text(3), Action: number(4), Content: number(5)},
		Day: text(6), Provider: text(7), Outcome: text(8), Reason: text(9),
		Deliveries: number(10), Sent: number(11), Opens: number(12), Clicks: number(13),
		Conversions: number(14), Unsubscribes: number(15), Complaints: number(16), Newest: newest,
		depth: number(18), toOpen: times(19, 21), toDeliver: times(20, 22),
	}
}

// provider returns the mailbox provider as the views about providers show it.
func (g *group) provider() string { return cmp.Or(g.Provider, "other") }

// A collector adds groups up, so that one scan of the warehouse fills all lists.
type collector struct {
	*Report
	*writer
	names     []name
	messages  map[Key]*Message
	channels  map[Key]*Message
	days      map[string]*Day
	types     map[typeOfDay]*Counts
	providers map[string]*Mailbox
	bounces   map[Bounce]int64
	judged    judged
	late      []Measure // e-mails sent after an opt-out
}

// A typeOfDay is an object type on a day, or on allDays.
type typeOfDay struct{ day, objectType string }

const allDays = ""

func newCollector(w *writer, r *Report) *collector {
	return &collector{
		Report: r, writer: w, messages: map[Key]*Message{}, channels: map[Key]*Message{}, days: map[string]*Day{}, types: map[typeOfDay]*Counts{},
		providers: map[string]*Mailbox{}, bounces: map[Bounce]int64{}, judged: newJudged(w.span),
	}
}

// count adds the deliveries of the days, and those of the days before with which the
// opens are compared. The opens of one campaign are not compared.
func (c *collector) count(ctx context.Context, r warehouse.Reader) error {
	days := c.span
	if c.Campaign == 0 {
		days = days.wider(c.judged.first)
	}
	if c.ownGroups != "" {
		if err := c.setClock(ctx, r, days); err != nil {
			return err
		}
	}
	rows, err := r.Query(ctx, c.groups(days))
	if err != nil {
		return err
	}
	for row, err := range rows.Each {
		if err != nil {
			return err
		}
		c.add(newGroup(row))
	}
	return nil
}

func (c *collector) add(g *group) {
	switch g.depth {
	case groupOfMessage:
		m := c.message(c.messages, g.Key)
		m.ToOpen, m.ToDeliver = g.toOpen, g.toDeliver
		return
	case groupOfChannel:
		m := c.message(c.channels, g.channel())
		m.ToOpen, m.ToDeliver = g.toOpen, g.toDeliver
		return
	}
	c.judged.add(g, c.contains(g.Day))
	if !c.contains(g.Day) {
		return
	}
	c.Summary.add(g)
	c.message(c.messages, g.Key).add(g)
	c.message(c.channels, g.channel()).add(g)
	at(c.days, g.Day, func() *Day { return &Day{Day: g.Day, Total: Total{Rates: map[string]Rates{}}} }).add(g)
	for _, day := range []string{g.Day, allDays} {
		at(c.types, typeOfDay{day, g.ObjectType}, func() *Counts { return new(Counts) }).add(g)
	}
	if g.ObjectType == string(webhook.Email) {
		provider := g.provider()
		at(c.providers, provider, func() *Mailbox { return &Mailbox{Provider: provider} }).add(g)
	}
	if g.Outcome == "hard" || g.Outcome == "soft" || g.Outcome == "unknown" {
		c.bounces[Bounce{Class: g.Outcome, Provider: g.Provider, Reason: withoutPeople(g.Reason)}] += g.Deliveries
	}
	if c.Newest == nil || g.Newest.After(*c.Newest) {
		c.Newest = &g.Newest
	}
}

func (*collector) message(list map[Key]*Message, k Key) *Message {
	return at(list, k, func() *Message { return &Message{Key: k} })
}

// at returns the element of the key, a new one if there is none.
func at[K comparable, V any](m map[K]*V, k K, create func() *V) *V {
	if m[k] == nil {
		m[k] = create()
	}
	return m[k]
}

// channel returns the key of all messages of the workspace and the object type.
func (k Key) channel() Key { return Key{Workspace: k.Workspace, ObjectType: k.ObjectType} }

// finish sorts the lists and computes the rates.
func (c *collector) finish() {
	c.Summary.Rates = map[string]Rates{}
	for t, n := range c.types {
		if t.day == allDays {
			c.Summary.Rates[t.objectType] = n.rates(t.objectType)
		} else {
			c.days[t.day].Rates[t.objectType] = n.rates(t.objectType)
		}
	}
	ofOtherDays := func(_ Key, m *Message) bool { return m.Deliveries == 0 }
	maps.DeleteFunc(c.messages, ofOtherDays)
	maps.DeleteFunc(c.channels, ofOtherDays)
	for k, m := range c.messages {
		m.Name, m.Rates = nameOf(c.names, k), m.rates(m.ObjectType)
		c.Messages = append(c.Messages, *m)
	}
	for _, m := range c.channels {
		m.Rates = m.rates(m.ObjectType)
		c.Channels = append(c.Channels, *m)
	}
	for _, d := range c.days {
		c.Days = append(c.Days, *d)
	}
	for _, p := range c.providers {
		p.Rates = p.rates(string(webhook.Email))
		c.Mailbox = append(c.Mailbox, *p)
	}
	for b, n := range c.bounces {
		b.Count = n
		c.Bounces = append(c.Bounces, b)
	}
	for i := range c.Links {
		l := &c.Links[i]
		l.URL, l.Name = withoutPeople(uuids.ReplaceAllString(l.URL, "/…")), nameOf(c.names, l.Key)
	}
	c.sort()
	c.Health = c.health()
}

func (c *collector) sort() {
	bySent := func(a, b Message) int { return cmp.Or(cmp.Compare(b.Sent, a.Sent), compareKeys(a.Key, b.Key)) }
	slices.SortFunc(c.Messages, bySent)
	slices.SortFunc(c.Channels, bySent)
	slices.SortFunc(c.Days, func(a, b Day) int { return cmp.Compare(a.Day, b.Day) })
	slices.SortFunc(c.Mailbox, func(a, b Mailbox) int {
		return cmp.Or(cmp.Compare(b.Sent, a.Sent), cmp.Compare(a.Provider, b.Provider))
	})
	slices.SortFunc(c.Bounces, func(a, b Bounce) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Reason, b.Reason))
	})
	c.Bounces = c.Bounces[:min(len(c.Bounces), most)]
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.ObjectType, b.ObjectType), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.SourceID, b.SourceID), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Content, b.Content))
}
