package report

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// zone returns the time zone of the report: Config.Timezone, else the warehouse's.
func (cfg *Config) zone(ctx context.Context) (*time.Location, error) {
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

// setDays finds the zone and the first day.
func (r *Report) setDays(ctx context.Context, cfg Config) error {
	place, err := cfg.zone(ctx)
	if err != nil {
		return err
	}
	r.Timezone = place.String()
	today := r.At.In(place)
	if cfg.Days > 0 && r.Since == "" {
		r.Since = today.AddDate(0, 0, 1-cfg.Days).Format(time.DateOnly)
	}
	var sinceErr, untilErr error
	r.Since, sinceErr = ParseDay(r.Since, today)
	r.Until, untilErr = ParseDay(r.Until, today)
	if err := errors.Join(sinceErr, untilErr); err != nil {
		return err
	}
	if r.Until != "" && r.Until < r.Since {
		return fmt.Errorf("the last day %s is before the first day %s", r.Until, r.Since)
	}
	return nil
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
