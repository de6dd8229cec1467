package customeriotest

import (
	"net/http"
	"time"
)

// campaignMetrics answers version 2 of a campaign's metrics with res=hourly or daily: the
// number of deliveries for each metric and step from start to end, in the zone tz.
func (a *App) campaignMetrics(r *http.Request) answer {
	zone, err := time.LoadLocation(r.FormValue("tz"))
	start, end := unix(r.FormValue("start"), -1), unix(r.FormValue("end"), -1)
	if err != nil || r.FormValue("version") != "2" || start < 0 || end < start {
		return deny(http.StatusBadRequest, "want version=2, res, tz, start and end")
	}
	steps := stepsOf(r.FormValue("res"), time.Unix(start, 0).In(zone), time.Unix(end, 0))
	if steps == nil {
		return deny(http.StatusBadRequest, "the fake knows res=hourly and res=daily only")
	}
	series := map[string][]int{}
	for _, d := range a.deliveries {
		if id(d.CampaignID) == r.PathValue("id") {
			a.count(series, d, steps)
		}
	}
	return found(map[string]any{"metric": map[string]any{"series": series}})
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
	for name, at := range d.metrics {
		if a.cfg.ByCreation {
			at = d.created
		}
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
