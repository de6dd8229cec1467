package customerio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Day has Customer.io's own numbers of a source on one day: how many deliveries have a
// metric. Whether a metric counts on its own day or on the day of the delivery's creation
// is unknown: compare whole weeks, too.
type Day struct {
	Begin      time.Time // in UTC, or in Eastern time for newsletters and transactional messages
	Deliveries map[webhook.Metric]int
}

// maxDays is the documented limit of days in the metrics of a newsletter.
const maxDays = 45

// eastern is the zone of the days of newsletters, and presumably of transactional
// messages: "00:00 EST". Source: Customer.io's journeys-app.json.
var eastern = time.FixedZone("EST", -5*60*60)

// Days returns the numbers of a source, an action or a variant for each day from since to
// until. For a newsletter or a transactional message the days end with today, and the App
// API keeps the last 45 days: earlier days are missing from the result.
func (a *App) Days(ctx context.Context, s Source, since, until time.Time) ([]Day, error) {
	path := fmt.Sprintf("%s/%d", sourcePath(s.Kind), s.ID)
	switch {
	case s.ActionID != 0:
		path += fmt.Sprintf("/actions/%d", s.ActionID)
	case s.ContentID != 0:
		path += fmt.Sprintf("/contents/%d", s.ContentID)
	}
	begin, query := daysBetween(since, until)
	if s.Kind == newsletter || s.Kind == transactional {
		begin, query = daysUntilNow(since)
	}
	days, err := a.days(ctx, path+"/metrics", query, begin)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return days, nil
}

// daysBetween asks for version 2 of the metrics, which knows zones.
func daysBetween(since, until time.Time) (begin time.Time, query url.Values) {
	begin = midnight(since.UTC())
	return begin, url.Values{
		"version": {"2"}, "res": {"daily"}, "tz": {"Etc/UTC"},
		"start": {strconv.FormatInt(begin.Unix(), 10)}, "end": {strconv.FormatInt(until.Unix()-1, 10)},
	}
}

// daysUntilNow asks for the days until now.
func daysUntilNow(since time.Time) (begin time.Time, query url.Values) {
	today := midnight(time.Now().In(eastern))
	steps := min(maxDays, 1+int(today.Sub(midnight(since.In(eastern)))/(24*time.Hour)))
	steps = max(1, steps)
	return today.AddDate(0, 0, 1-steps), url.Values{"period": {"days"}, "steps": {strconv.Itoa(steps)}}
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// days decodes the series of an answer. The answer of version 2 is not documented: series
// may be a member of metric, as in the older version, or not.
func (a *App) days(ctx context.Context, path string, query url.Values, begin time.Time) ([]Day, error) {
	type body struct {
		Series map[string]json.RawMessage `json:"series"`
	}
	var answer struct {
		body
		Metric body `json:"metric"`
	}
	if err := a.call(ctx, http.MethodGet, path, query, nil, &answer); err != nil {
		return nil, err
	}
	series := answer.Metric.Series
	if series == nil {
		series = answer.Series
	}
	if series == nil {
		return nil, errors.New("decode answer: no series")
	}
	var days []Day
	for _, metric := range append([]webhook.Metric{webhook.Attempted, webhook.Deferred, webhook.Replied}, deliveryMetrics...) {
		word := string(metric)
		if metric == webhook.Dropped {
			word = "suppressed" // Customer.io's word in metrics
		}
		var counts []int
		if raw := series[word]; raw != nil && json.Unmarshal(raw, &counts) != nil {
			return nil, fmt.Errorf("decode answer: series %s is not a list of numbers", word)
		}
		for i, n := range counts {
			if i == len(days) {
				days = append(days, Day{Begin: begin.AddDate(0, 0, i), Deliveries: map[webhook.Metric]int{}})
			}
			days[i].Deliveries[metric] = n
		}
	}
	return days, nil
}
