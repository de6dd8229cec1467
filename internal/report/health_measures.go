package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A judged has the counts of e-mails that measures need.
type judged struct {
	messages map[judgedKey]*judgedCounts
	days     map[mailboxDay]*openCounts
	// The opens of the days from first to last are compared.
	first, last string
}

// A judgedKey is a message at a provider, or at allProviders.
type judgedKey struct {
	Key
	provider string
}

const allProviders = "all"

type judgedCounts struct {
	Counts
	refused, unauthenticated int64
}

// A mailboxDay is a day of a workspace at a provider.
type mailboxDay struct{ workspace, provider, day string }

type openCounts struct{ delivered, opens int64 }

const (
	// opensWait is the age in days of the latest day whose opens are compared: people open
	// e-mails for a day or two.
	opensWait = 2
	// opensDays is the number of days whose median is the usual.
	opensDays = 28
	// leastDays is the number of days with enough e-mails that a median needs.
	leastDays = 5
)

func newJudged(s span) judged {
	last := shift(s.today, -opensWait)
	if s.until != "" {
		last = min(last, s.until)
	}
	return judged{map[judgedKey]*judgedCounts{}, map[mailboxDay]*openCounts{}, shift(last, -2*opensDays), last}
}

// add counts a group. chosen says whether the group is of a day of the report.
func (j *judged) add(g *group, chosen bool) {
	if g.ObjectType != string(webhook.Email) {
		return
	}
	if chosen {
		for _, provider := range []string{g.provider(), allProviders} {
			at(j.messages, judgedKey{g.Key, provider}, func() *judgedCounts { return new(judgedCounts) }).add(g)
		}
	}
	if g.Day >= j.first && g.Day <= j.last {
		d := at(j.days, mailboxDay{g.Workspace, g.provider(), g.Day}, func() *openCounts { return new(openCounts) })
		d.opens += g.Opens
		if g.Outcome == "delivered" {
			d.delivered += g.Deliveries
		}
	}
}

func (c *judgedCounts) add(g *group) {
	c.Counts.add(g)
	switch refusal(g) {
	case warehouse.Unauthenticated:
		c.unauthenticated += g.Deliveries
		c.refused += g.Deliveries
	case warehouse.Blocked:
		c.refused += g.Deliveries
	}
}

// refusal returns how the provider refused the e-mails of the group, "" for other e-mails.
func refusal(g *group) string {
	if g.Outcome != "soft" && g.Outcome != "unknown" {
		return ""
	}
	row := warehouse.Row{Event: webhook.Event{ObjectType: webhook.Email, Metric: webhook.Bounced, FailureMessage: g.Reason}}
	row.Bounce = g.Outcome
	return row.Refusal()
}

// measures returns the measures of the message, without complaints at Gmail.
func (c *judgedCounts) measures(k judgedKey, message string) []Measure {
	measure := func(name string, l warehouse.Limit, count, of int64) Measure {
		return Measure{Status: l.Status(count, of), Measure: name, Workspace: k.Workspace, Message: message, Provider: k.provider, Count: count, Of: of}
	}
	list := []Measure{
		measure(hardBounces, warehouse.HardBounceLimit, c.HardBounces, c.Sent),
		measure(refused, warehouse.RefusalLimit, c.refused, c.Sent),
		measure(unauthenticated, warehouse.UnauthenticatedLimit, c.unauthenticated, 0),
	}
	if warehouse.ReportsComplaints(k.provider) {
		list = append(list, measure(complaints, warehouse.ComplaintLimit, c.ComplaintsOutside, c.OutsideGmail))
	}
	return list
}

// opens compares the human opens of the latest day with the days before it, for each
// workspace and provider. A day with few e-mails does not count.
func (j *judged) opens() (list []Measure) {
	days := slices.DeleteFunc(slices.Collect(maps.Keys(j.days)), func(d mailboxDay) bool { return j.days[d].delivered < warehouse.OpensLimit.Least })
	slices.SortFunc(days, func(a, b mailboxDay) int {
		return cmp.Or(cmp.Compare(a.workspace, b.workspace), cmp.Compare(a.provider, b.provider), cmp.Compare(a.day, b.day))
	})
	for len(days) > 0 {
		end := slices.IndexFunc(days, func(d mailboxDay) bool { return d.workspace != days[0].workspace || d.provider != days[0].provider })
		if end < 0 {
			end = len(days)
		}
		last, before := days[end-1], days[max(0, end-1-opensDays):end-1]
		days = days[end:]
		if len(before) >= leastDays {
			list = append(list, j.measure(last, before))
		}
	}
	return list
}

func (j *judged) measure(last mailboxDay, before []mailboxDay) Measure {
	var rates []float64
	for _, d := range before {
		rates = append(rates, float64(j.days[d].opens)/float64(j.days[d].delivered))
	}
	slices.Sort(rates)
	c := j.days[last]
	usual := (rates[(len(rates)-1)/2] + rates[len(rates)/2]) / 2 * float64(c.delivered)
	status := warehouse.StatusOK
	if missing := usual - float64(c.opens); usual > 0 {
		status = warehouse.OpensLimit.Status(int64(missing/usual*float64(c.delivered)), c.delivered)
	}
	return Measure{
		Status: status, Measure: humanOpens, Workspace: last.workspace, Provider: last.provider,
		Count: c.opens, Of: c.delivered, Usual: int64(usual + 0.5),
	}
}
