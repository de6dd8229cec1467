package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": percent,
	"width":   width,
	"lines":   lines,
	"moment":  func(t time.Time) string { return t.UTC().Format(time.DateTime) },
	"times":   func(a, b int) int { return a * b },
	"whole":   whole,
}).Parse(pageText))

// HTML writes the report as one self-contained page, without scripts and without
// requests to the network. html/template escapes all texts of events.
func (r *Report) HTML(w io.Writer) error {
	if err := page.Execute(w, r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Stages returns the bars of the funnel.
func (f Funnel) Stages() []Stage {
	return []Stage{
		{"sent", f.Sent, f.Sent},
		{"delivered", f.Delivered, f.Sent},
		{"opened", f.Opened, f.Sent},
		{"clicked", f.Clicked, f.Sent},
		{"converted", f.Converted, f.Sent},
		{"bounced", f.Bounced, f.Sent},
	}
}

// A Stage is one bar of a funnel: Count of Of deliveries reached the stage.
type Stage struct {
	Name      string
	Count, Of int64
}

// whole returns a number without decimals, "–" for nil. The printf of a template does not
// read pointers.
func whole(n *float64) string {
	if n == nil {
		return "–"
	}
	return strconv.FormatFloat(*n, 'f', 0, 64)
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// barWidth is the length of the longest bar, in units of the SVG.
const barWidth = 400

func width(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return barWidth * min(float64(part)/float64(whole), 1)
}

// Size of the plot of days, in units of the SVG.
const (
	plotWidth  = 700.0
	plotHeight = 180.0
)

// A line is one curve of the plot of days.
type line struct {
	Name   string
	Points string // of an SVG polyline
}

// lines returns the curves of the days and the largest value, the top of the plot.
func lines(days []Day) (plot struct {
	Lines []line
	Top   int64
},
) {
	curves := []struct {
		name string
		of   func(Day) int64
	}{
		{"sent", func(d Day) int64 { return d.Sent }},
		{"delivered", func(d Day) int64 { return d.Delivered }},
		{"opened", func(d Day) int64 { return d.Opened }},
		{"clicked", func(d Day) int64 { return d.Clicked }},
		{"bounced", func(d Day) int64 { return d.Bounced }},
	}
	for _, d := range days {
		plot.Top = max(plot.Top, d.Sent, d.Delivered, d.Opened, d.Clicked, d.Bounced)
	}
	for _, c := range curves {
		var points strings.Builder
		for i, d := range days {
			x := plotWidth * (float64(i) + 0.5) / float64(len(days))
			fmt.Fprintf(&points, "%.1f,%.1f ", x, plotHeight*(1-float64(c.of(d))/float64(max(plot.Top, 1))))
		}
		plot.Lines = append(plot.Lines, line{c.name, points.String()})
	}
	return plot
}
