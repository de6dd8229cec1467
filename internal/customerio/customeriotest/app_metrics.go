package customeriotest

import (
	"net/http"
	"strconv"
	"time"
)

// metricsBetween answers version 2 of the metrics of a campaign or a broadcast, or of an
// action: the number of deliveries for each metric and step from start to end, in the zone
// tz. parent is the parameter that the id in the path stands for.
func (a *App) metricsBetween(parent string) func(*http.Request) answer {
	return func(r *http.Request) answer {
		zone, err := time.LoadLocation(r.FormValue("tz"))
		start, end := unix(r.FormValue("start"), -1), unix(r.FormValue("end"), -1)
		if err != nil || r.FormValue("version") != "2" || start < 0 || end < start {
			return deny(http.StatusBadRequest, "want version=2, res, tz, start and end")
		}
		steps := stepsOf(r.FormValue("res"), time.Unix(start, 0).In(zone), time.Unix(end, 0))
		if steps == nil {
			return deny(http.StatusBadRequest, "the fake knows res=hourly and res=daily only")
		}
		return a.series(r, parent, "action_id", steps)
	}
}

// eastern is the zone of the older version of metrics: days begin at 00:00 EST. Source:
// Customer.io's journeys-app.json.
var eastern = time.FixedZone("EST", -5*60*60)

// metricsUntilNow answers the older version of the metrics of a newsletter, of a variant
// or of a transactional message: steps hours or days, of which the last is the current.
func (a *App) metricsUntilNow(parent string) func(*http.Request) answer {
	return func(r *http.Request) answer {
		now, n := time.Now().In(eastern), int(unix(r.FormValue("steps"), 1))
		switch period := r.FormValue("period"); {
		case period == "hours" && n >= 1 && n <= 24:
			return a.series(r, parent, "content_id", stepsOf(period, now.Add(-time.Duration(n-1)*time.Hour), now))
		case (period == "" || period == "days") && n >= 1 && n <= 45:
			return a.series(r, parent, "content_id", stepsOf("days", now.AddDate(0, 0, 1-n), now))
		default:
			return deny(http.StatusBadRequest, "the fake knows 24 hours and 45 days at most")
		}
	}
}

// series counts the deliveries of a source, or of the part in the path.
func (a *App) series(r *http.Request, parent, part string, steps []time.Time) answer {
	filter := func(name string) string {
		switch name {
		case parent:
			return r.PathValue("id")
		case part:
			return r.PathValue("part")
		case "type":
			return r.FormValue("type")
		default:
			return ""
		}
	}
	series := map[string][]int{}
	for _, d := range a.deliveries {
		if d.matches(filter) {
			a.count(series, d, steps)
		}
	}
	body := map[string]any{"series": series}
	if a.cfg.FlatSeries {
		return found(body)
	}
	return found(map[string]any{"metric": body})
}

// stepsOf returns the beginnings of the steps, and the end of the last step.
func stepsOf(res string, start, end time.Time) []time.Time {
	var at time.Time
	var next func() time.Time
	switch res {
	case "hourly", "hours":
		at = time.Date(start.Year(), start.Month(), start.Day(), start.Hour(), 0, 0, 0, start.Location())
		next = func() time.Time { return at.Add(time.Hour) }
	case "daily", "days":
		at = time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
		next = func() time.Time { return at.AddDate(0, 0, 1) }
	default:
		return nil
	}
	steps := []time.Time{at}
	for !at.After(end) {
		at = next()
		steps = append(steps, at)
	}
	return steps
}

// count adds the metrics of a delivery to the series.
func (a *App) count(series map[string][]int, d *delivery, steps []time.Time) {
	for _, m := range d.metrics {
		at := m.at
		if a.cfg.ByCreation {
			at = d.created
		}
		name := m.name
		if name == "dropped" {
			name = "suppressed" // the word of the series
		}
		if series[name] == nil {
			series[name] = make([]int, len(steps)-1)
		}
		for i := range len(steps) - 1 {
			if at >= steps[i].Unix() && at < steps[i+1].Unix() {
				series[name][i]++
			}
		}
	}
}

// nextPage returns the start of the page after one that ends at an offset.
func (a *App) nextPage(end, n int) string {
	if end < n || a.cfg.NextAlways {
		return strconv.Itoa(end)
	}
	return ""
}
