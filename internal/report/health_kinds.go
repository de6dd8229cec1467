package report

import (
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Kind is a kind of measure, with its limits and its statuses.
type Kind struct {
	Measure string `json:"measure"`
	// Status is the worst status, StatusFew without a measure.
	Status warehouse.Status `json:"status"`
	// Warn and Bad are the first values that are a warning and bad: fractions, or numbers of
	// e-mails for a kind without Least.
	Warn float64 `json:"warn"`
	Bad  float64 `json:"bad"`
	// Least is the number of e-mails below which a measure is not judged, and Enough the
	// number of cases that is judged nevertheless, 0 for none.
	Least  int64 `json:"least,omitempty"`
	Enough int64 `json:"enough,omitempty"`
	// The numbers of measures with a status.
	BadCount  int `json:"bad_count"`
	WarnCount int `json:"warn_count"`
	OKCount   int `json:"ok_count"`
	FewCount  int `json:"few_count"`
}

// The names of the kinds.
const (
	complaints      = "complaints"
	hardBounces     = "hard_bounces"
	refused         = "refused"
	unauthenticated = "unauthenticated"
	humanOpens      = "human_opens"
	sentAfterOptout = "sent_after_optout"
)

// kinds are the kinds in the order of reports.
var kinds = []struct {
	name, title string
	limit       warehouse.Limit
}{
	{complaints, "complaints of delivered, outside Gmail", warehouse.ComplaintLimit},
	{hardBounces, "hard bounces of sent", warehouse.HardBounceLimit},
	{refused, "refused by the provider, of sent", warehouse.RefusalLimit},
	{unauthenticated, "refused because the sender is not authenticated", warehouse.UnauthenticatedLimit},
	{humanOpens, "human opens below the median of 28 days", warehouse.OpensLimit},
	{sentAfterOptout, "sent more than 48 hours after an opt-out", warehouse.OptoutLimit},
}

// kindOf returns the index of the measure's kind.
func kindOf(measure string) int {
	for i := range kinds {
		if kinds[i].name == measure {
			return i
		}
	}
	return -1
}

// newKinds returns the kinds without a measure.
func newKinds() []Kind {
	list := make([]Kind, len(kinds))
	for i := range kinds {
		l := kinds[i].limit
		list[i] = Kind{Measure: kinds[i].name, Status: warehouse.StatusFew, Warn: float64(l.Warn), Bad: float64(l.Bad), Least: l.Least, Enough: l.Enough}
		if l.Least > 0 { // the limits are thousandths
			list[i].Warn, list[i].Bad = list[i].Warn/1000, list[i].Bad/1000
		}
	}
	return list
}

func (k *Kind) add(s warehouse.Status) {
	k.Status = worse(k.Status, s)
	*[]*int{&k.FewCount, &k.OKCount, &k.WarnCount, &k.BadCount}[s.Rank()]++
}

func worse(a, b warehouse.Status) warehouse.Status {
	return slices.MaxFunc([]warehouse.Status{a, b}, func(a, b warehouse.Status) int { return a.Rank() - b.Rank() })
}
