package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The area of a plot, in units of the SVG. Left and below are the labels of the axes.
const (
	plotLeft, plotTop = 60.0, 28.0
	plotWidth         = 620.0
	plotHeight        = 160.0
	mostLabels        = 8
	labelUnit         = 8.0  // the width of a character, with the space between labels
	longestPlot       = 1500 // points; more have no room
	dayStep, hourStep = 24 * time.Hour, time.Hour
)

// A plot is curves over time. A time without a number is a gap.
type plot struct {
	Curves []curve
	X, Y   []label
	Unit   string
}

// A curve is one line of a plot.
type curve struct {
	Name  string
	Lines []string // the points of SVG polylines, with gaps between
	Dots  []dot    // points without a neighbour, which make no line
}

type dot struct{ X, Y float64 }

// A label is the text of an axis at a place.
type label struct {
	At   float64
	Text string
}

// A series is the numbers of a curve by time.
type series struct {
	name   string
	values map[time.Time]float64
}

func dayPlot(list []Day) plot {
	of := []struct {
		name  string
		count func(*Day) int64
	}{
		{"sent", func(d *Day) int64 { return d.Sent }},
		{"delivered", func(d *Day) int64 { return d.Delivered }},
		{"opened", func(d *Day) int64 { return d.Opens }},
		{"clicked", func(d *Day) int64 { return d.Clicks }},
		{"hard bounced", func(d *Day) int64 { return d.HardBounces }},
	}
	all := make([]series, len(of))
	for i, o := range of {
		all[i] = series{o.name, map[time.Time]float64{}}
		for j := range list {
			if t, err := time.Parse(time.DateOnly, list[j].Day); err == nil {
				all[i].values[t] = float64(o.count(&list[j]))
			}
		}
	}
	return newPlot(all, dayStep, "deliveries", "2 Jan")
}

func hourPlot(list []Hour) plot {
	p50, p99 := series{"median", map[time.Time]float64{}}, series{"p99", map[time.Time]float64{}}
	unit, ms := latencyUnit(list)
	for _, h := range list {
		if h.P50 != nil && h.P99 != nil {
			p50.values[h.Hour.UTC()], p99.values[h.Hour.UTC()] = *h.P50/ms, *h.P99/ms
		}
	}
	return newPlot([]series{p50, p99}, hourStep, unit, "2 Jan 15:04")
}

// latencyUnit returns the largest unit of which the longest latency has ten or more, and
// the unit's milliseconds. Events that waited for the end of an outage are hours old.
func latencyUnit(list []Hour) (name string, ms float64) {
	longest := 0.0
	for _, h := range list {
		if h.P99 != nil {
			longest = max(longest, *h.P99)
		}
	}
	name, ms = "ms", 1
	for _, unit := range []struct {
		name string
		ms   float64
	}{{"s", 1000}, {"min", 60_000}, {"h", 3_600_000}, {"days", 86_400_000}} {
		if longest >= 10*unit.ms {
			name, ms = unit.name, unit.ms
		}
	}
	return name, ms
}

// newPlot draws the series. A longer time than a plot has room for loses its beginning.
func newPlot(all []series, step time.Duration, unit, layout string) plot {
	p := plot{Unit: unit}
	var first, last time.Time
	for t := range all[0].values {
		if first.IsZero() || t.Before(first) {
			first = t
		}
		if t.After(last) {
			last = t
		}
	}
	if first.IsZero() {
		return p // no times, no axes
	}
	if first.Before(last.Add(-longestPlot * step)) {
		first = last.Add(-longestPlot * step)
	}
	n := int(last.Sub(first)/step) + 1
	largest := 0.0
	for _, s := range all {
		for t, v := range s.values {
			if !t.Before(first) {
				largest = max(largest, v)
			}
		}
	}
	unitY := round(largest)
	x := func(i int) float64 { return plotLeft + plotWidth*(float64(i)+0.5)/float64(n) }
	y := func(v float64) float64 { return plotTop + plotHeight*(1-v/(4*unitY)) }
	for i := range 5 {
		p.Y = append(p.Y, label{y(float64(i) * unitY), short(float64(i) * unitY)})
	}
	most := min(mostLabels, int(plotWidth/(labelUnit*float64(len(layout)))))
	for i := 0; i < n; i += (n + most - 1) / most {
		p.X = append(p.X, label{x(i), first.Add(time.Duration(i) * step).Format(layout)})
	}
	for _, s := range all {
		p.Curves = append(p.Curves, s.draw(n, x, y, func(i int) time.Time { return first.Add(time.Duration(i) * step) }))
	}
	return p
}

// draw returns the curve of the series.
func (s series) draw(n int, x func(int) float64, y func(float64) float64, at func(int) time.Time) curve {
	c := curve{Name: s.name}
	var points []dot
	flush := func() {
		switch len(points) {
		case 0:
		case 1:
			c.Dots = append(c.Dots, points[0])
		default:
			var text strings.Builder
			for _, p := range points {
				fmt.Fprintf(&text, "%.1f,%.1f ", p.X, p.Y)
			}
			c.Lines = append(c.Lines, text.String())
		}
		points = nil
	}
	for i := range n {
		v, ok := s.values[at(i)]
		if !ok {
			flush()
			continue
		}
		points = append(points, dot{x(i), y(v)})
	}
	flush()
	return c
}

// short returns a number of an axis in a few characters, such as "20000" or "5 M".
func short(n float64) string {
	const million = 1_000_000
	if n < million {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n/million, 'f', -1, 64) + " M"
}

// round returns a quarter of the top of an axis: 1, 2 or 5 times a power of ten.
func round(largest float64) float64 {
	for unit := 1.0; ; unit *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if 4*n*unit >= largest {
				return n * unit
			}
		}
	}
}
