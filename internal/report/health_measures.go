package report

import (
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A messageHealth is a row of customerio_message_health.
type messageHealth struct {
	Workspace       string           `json:"workspace"`
	Source          string           `json:"source"`
	SourceID        string           `json:"source_id"`
	Action          int64            `json:"action_id"`
	Content         int64            `json:"content_id"`
	Name            string           `json:"name"`
	Provider        string           `json:"mailbox_provider"`
	Sent            int64            `json:"sent"`
	Bounces         int64            `json:"hard_bounces"`
	Refused         int64            `json:"blocked"`
	Unauthenticated int64            `json:"unauthenticated"`
	Complaints      int64            `json:"complaints_outside_gmail"`
	OutsideGmail    int64            `json:"delivered_outside_gmail"`
	BounceStatus    warehouse.Status `json:"bounce_status"`
	RefusedStatus   warehouse.Status `json:"blocked_status"`
	AuthStatus      warehouse.Status `json:"authentication_status"`
	ComplaintStatus warehouse.Status `json:"complaint_status"`
}

// measures returns the measures of the row, without complaints at Gmail, which reports none.
func (r *messageHealth) measures() []Measure {
	measure := func(name string, status warehouse.Status, count, of int64) Measure {
		return Measure{Status: status, Measure: name, Workspace: r.Workspace, Message: r.title(), Provider: r.Provider, Count: count, Of: of}
	}
	list := []Measure{
		measure("hard_bounces", r.BounceStatus, r.Bounces, r.Sent),
		measure("refused", r.RefusedStatus, r.Refused, r.Sent),
		measure("unauthenticated", r.AuthStatus, r.Unauthenticated, 0),
	}
	if r.ComplaintStatus != "" {
		list = append(list, measure("complaints", r.ComplaintStatus, r.Complaints, r.OutsideGmail))
	}
	return list
}

func (r *messageHealth) title() string {
	return title(r.Name, Key{Source: r.Source, SourceID: r.SourceID, Action: r.Action, Content: r.Content})
}

const (
	// opensWait is the age in days of the latest day whose opens are compared: people open
	// e-mails for a day or two.
	opensWait = 2
	// opensDays is the number of days whose median is the usual.
	opensDays = 28
	// leastDays is the number of days with enough e-mails that a median needs.
	leastDays = 5
)

// A mailboxDay is a row of customerio_mailbox_daily.
type mailboxDay struct {
	Workspace string `json:"workspace"`
	Provider  string `json:"mailbox_provider"`
	Delivered int64  `json:"delivered"`
	Opens     int64  `json:"human_opens"`
}

// opens compares the human opens of the latest day with the days before it, for each
// workspace and provider. The days are in their order, and a day with few e-mails does not
// count.
func opens(days []mailboxDay) (list []Measure) {
	days = slices.DeleteFunc(days, func(d mailboxDay) bool { return d.Delivered < warehouse.OpensLimit.Least })
	for len(days) > 0 {
		end := slices.IndexFunc(days, func(d mailboxDay) bool { return d.Workspace != days[0].Workspace || d.Provider != days[0].Provider })
		if end < 0 {
			end = len(days)
		}
		last, before := days[end-1], days[max(0, end-1-opensDays):end-1]
		days = days[end:]
		if len(before) >= leastDays {
			list = append(list, last.measure(before))
		}
	}
	return list
}

func (d mailboxDay) measure(before []mailboxDay) Measure {
	var rates []float64
	for _, b := range before {
		rates = append(rates, float64(b.Opens)/float64(b.Delivered))
	}
	slices.Sort(rates)
	usual := (rates[(len(rates)-1)/2] + rates[len(rates)/2]) / 2 * float64(d.Delivered)
	status := warehouse.StatusOK
	if missing := usual - float64(d.Opens); usual > 0 {
		status = warehouse.OpensLimit.Status(int64(missing/usual*float64(d.Delivered)), d.Delivered)
	}
	return Measure{
		Status: status, Measure: "human_opens", Workspace: d.Workspace, Provider: d.Provider,
		Count: d.Opens, Of: d.Delivered, Usual: int64(usual + 0.5),
	}
}
