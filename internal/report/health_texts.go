package report

import (
	"fmt"
	"strconv"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Verdict sums up the health for people.
func (h *Health) Verdict() string {
	var k Kind
	for i := range h.Kinds {
		k.BadCount += h.Kinds[i].BadCount
		k.WarnCount += h.Kinds[i].WarnCount
		k.OKCount += h.Kinds[i].OKCount
		k.FewCount += h.Kinds[i].FewCount
	}
	counts := fmt.Sprintf("%d bad, %d warnings, %d ok, %d with too few e-mails to judge", k.BadCount, k.WarnCount, k.OKCount, k.FewCount)
	switch {
	case h.Status == warehouse.StatusBad:
		return counts + ". Stop sending until you know why."
	case h.Status == warehouse.StatusWarn:
		return counts + ". Find out why before the numbers are bad."
	case h.Status == warehouse.StatusOK:
		return counts + "."
	case len(h.Measures) == 0:
		return "There is nothing to judge: no e-mails on these days."
	default:
		return "There are too few e-mails to judge a rate. Nothing that counts from the first e-mail is bad."
	}
}

// Faults returns the measures that are bad or a warning, the worst first, at most Rows.
func (h *Health) Faults() []Measure {
	n := 0
	for n < min(len(h.Measures), Rows) && h.Measures[n].Status.Rank() >= warehouse.StatusWarn.Rank() {
		n++
	}
	return h.Measures[:n]
}

// Whole returns the e-mails of which the measure is a part, "" for a number.
func (m *Measure) Whole() string {
	if m.Of == 0 {
		return ""
	}
	return strconv.FormatInt(m.Of, 10)
}

// Share returns the measure as a rate, with the usual rate, "" for a number.
func (m *Measure) Share() string {
	share := func(n int64) string { return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(m.Of)) }
	switch {
	case m.Of == 0:
		return ""
	case m.Usual > 0:
		return share(m.Count) + ", usually " + share(m.Usual)
	default:
		return share(m.Count)
	}
}

// Title describes the kind of measure.
func (k *Kind) Title() string { return kindTitle(k.Measure) }

// Title describes the measure.
func (m *Measure) Title() string { return kindTitle(m.Measure) }

func kindTitle(measure string) string {
	i := kindOf(measure)
	if i < 0 {
		return measure
	}
	return kinds[i].title
}

// Limits returns the first values that are a warning and bad, and from how many e-mails on
// a measure is judged.
func (k *Kind) Limits() []string {
	if k.Least == 0 {
		return []string{fmt.Sprint(k.Warn), fmt.Sprint(k.Bad), "1"}
	}
	from := strconv.FormatInt(k.Least, 10)
	if k.Enough > 0 {
		from += fmt.Sprintf(", or %d cases", k.Enough)
	}
	return []string{Percent(&k.Warn), Percent(&k.Bad), from}
}
