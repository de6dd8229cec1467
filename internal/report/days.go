package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// location returns the time zone of the report: Config.Timezone, else the warehouse's.
func (cfg *Config) location(ctx context.Context) (*time.Location, error) {
	name := cfg.Timezone
	if name == "" {
		var zones []struct {
			Timezone string `json:"timezone"`
		}
		if err := read(ctx, cfg.Reader, "SELECT timezone FROM customerio_settings", &zones); err != nil {
			return nil, err
		}
		if len(zones) > 0 {
			name = zones[0].Timezone
		}
	}
	place, err := time.LoadLocation(name) // "" is UTC
	if err != nil {
		return nil, fmt.Errorf("load time zone %s: %w", name, err)
	}
	return place, nil
}

// A span is the days of a report.
type span struct {
	since, until string // the first and the last day, "" for no bound
	today        string
	place        *time.Location
}

// span finds the zone, the first day and the last day.
func (cfg *Config) span(ctx context.Context, now time.Time) (span, error) {
	place, err := cfg.location(ctx)
	if err != nil {
		return span{}, err
	}
	today := now.In(place)
	s := span{today: today.Format(time.DateOnly), place: place}
	var sinceErr, untilErr error
	s.since, sinceErr = ParseDay(cfg.Since, today)
	s.until, untilErr = ParseDay(cfg.Until, today)
	if err := errors.Join(sinceErr, untilErr); err != nil {
		return span{}, err
	}
	if cfg.Days > 0 && s.since == "" {
		s.until = cmp.Or(s.until, s.today)
		s.since = shift(s.until, 1-cfg.Days)
	}
	if s.until != "" && s.until < s.since {
		return span{}, fmt.Errorf("the last day %s is before the first day %s", s.until, s.since)
	}
	return s, nil
}

// contains reports whether the day is a day of the report.
func (s *span) contains(day string) bool { return day >= s.since && (s.until == "" || day <= s.until) }

// wider returns the days from the first day on, if that is earlier.
func (s *span) wider(first string) span {
	w := *s
	w.since = min(s.since, first) // "" is the earliest
	return w
}

// start returns the first moment of a day. Where clocks change at midnight, time.Date may
// return another moment.
func (s *span) start(day string) time.Time {
	const step = 15 * time.Minute // zones differ by multiples
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{} // span has parsed the day
	}
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, s.place)
	for t.Format(time.DateOnly) < day {
		t = t.Add(step)
	}
	for t.Add(-step).Format(time.DateOnly) >= day {
		t = t.Add(-step)
	}
	return t
}

// ParseDay returns the day that a text means: a date such as 2026-11-24, a number of days
// before today such as -7d, or "" for no day.
func ParseDay(text string, today time.Time) (string, error) {
	if before, ok := strings.CutSuffix(text, "d"); ok && strings.HasPrefix(before, "-") {
		n, err := strconv.ParseUint(before[1:], 10, 16)
		if err != nil {
			return "", fmt.Errorf("read day %q: want such as -7d", text)
		}
		return today.AddDate(0, 0, -int(n)).Format(time.DateOnly), nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil && text != "" {
		return "", fmt.Errorf("read day %q: want such as 2026-11-24 or -7d", text)
	}
	return text, nil
}

func shift(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day // the warehouse says what is wrong
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}
