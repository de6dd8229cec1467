package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent":  Percent,
	"duration": Duration,
	"width":    width,
	"days":     dayPlot,
	"hours":    hourPlot,
	"moment":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"times":    func(a, b int) int { return a * b },
	"top":      top[Message],
}).Parse(pageText))

// Rows is the number of messages in tables. JSON has all.
const Rows = 200

func top[T any](list []T) []T { return list[:min(len(list), Rows)] }

// HTML writes the report as one self-contained page, without scripts and without
// requests to the network. html/template escapes all texts of events.
func (r *Report) HTML(w io.Writer) error {
	if err := page.Execute(w, r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Stages returns the lines of the summary, without those that the channel cannot have. Where
// nobody knows what was delivered, the other lines have no rate.
func (m *Message) Stages() []Stage {
	list := []Stage{
		{"sent", m.Sent, m.Deliveries, "of all deliveries"},
		{"delivered", m.Delivered, m.Sent, "of sent"},
		{"opened", m.Opens, m.Delivered, "of delivered"},
		{"clicked", m.Clicks, m.Delivered, "of delivered"},
		{"converted", m.Conversions, m.Delivered, "of delivered"},
		{"unsubscribed", m.Unsubscribes, m.Delivered, "of delivered"},
		{"bounced", m.HardBounces, m.Sent, "of sent (hard bounces)"},
		{"complained", m.ComplaintsOutside, m.OutsideGmail, "of delivered outside Gmail"},
	}
	arrives := warehouse.ReportsArrival(m.ObjectType)
	return slices.DeleteFunc(list, func(s Stage) bool {
		return s.Count == 0 && (s.Of == 0 || !arrives && (s.Name == "delivered" || s.Name == "bounced"))
	})
}

// A Stage is one line of the summary: Count of Of deliveries reached the stage.
type Stage struct {
	Name      string
	Count, Of int64
	OfWhat    string
}

// Rate returns the stage's rate, nil without a denominator.
func (s Stage) Rate() *float64 { return rate(s.Count, s.Of) }

// Percent returns a rate such as "12.3 %", "–" for nil. Small rates have more digits,
// because complaints are judged by tenths of a percent.
func Percent(rate *float64) string {
	switch {
	case rate == nil:
		return "–"
	case *rate > 0 && *rate < 0.01:
		return fmt.Sprintf("%.2f %%", 100**rate)
	default:
		return fmt.Sprintf("%.1f %%", 100**rate)
	}
}

// Duration returns a text such as "42 s", "3.5 min" or "2.1 h".
func Duration(seconds float64) string {
	switch {
	case seconds < 100:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds < 100*60:
		return fmt.Sprintf("%.1f min", seconds/60)
	case seconds < 100*60*60:
		return fmt.Sprintf("%.1f h", seconds/60/60)
	default:
		return fmt.Sprintf("%.1f days", seconds/24/60/60)
	}
}

// barWidth is the length of the longest bar, in units of the SVG.
const barWidth = 300

func width(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return barWidth * min(float64(part)/float64(whole), 1)
}
