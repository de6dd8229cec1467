// Package report summarises a warehouse for people: the funnel of each campaign, the
// numbers of each day, the reasons of bounces, the clicked links, and the time that
// events took to arrive.
package report

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Config chooses the contents of a report. Reader is required.
type Config struct {
	Reader warehouse.Reader
	// Dialect is the SQL of Reader. Default DuckDBSQL.
	Dialect warehouse.Dialect
	// Source is the warehouse's name in the report.
	Source string
	// Campaign restricts the report to the campaign with this number, in each
	// workspace. Default all campaigns, and messages without a campaign.
	Campaign int64
	// Days is the number of days of the report, including today. Days begin at
	// midnight UTC. Default all.
	Days int
	// Now is the time of the report. Default time.Now().
	Now time.Time
}

// A Report has the numbers of a warehouse. Lists are empty, never nil.
type Report struct {
	Source string    `json:"source"`
	At     time.Time `json:"at"`
	// Since is the first moment of the report, nil for all.
	Since    *time.Time `json:"since"`
	Campaign int64      `json:"campaign_id,omitempty"`
	// Newest is the time of the latest event, also before Since, or of the campaign's
	// latest event. nil without an event.
	Newest *time.Time `json:"newest_event_at"`

	Funnel  []Funnel `json:"funnel"`
	Daily   []Day    `json:"daily"`
	Bounces []Bounce `json:"bounces"`
	Links   []Link   `json:"links"`
	Latency []Hour   `json:"latency"`
}

// A Funnel counts the deliveries of one campaign that reached each stage. Opens and
// clicks are of people, not of machines.
type Funnel struct {
	Workspace  string `json:"workspace"`
	ObjectType string `json:"object_type"`
	// Campaign is 0 for messages without a campaign.
	Campaign     int64 `json:"campaign_id"`
	Sent         int64 `json:"sent"`
	Delivered    int64 `json:"delivered"`
	Opened       int64 `json:"unique_human_opens"`
	Clicked      int64 `json:"unique_clicks"`
	Converted    int64 `json:"conversions"`
	Bounced      int64 `json:"bounced"`
	Failed       int64 `json:"failed"`
	Unsubscribed int64 `json:"unsubscribes"`
	Spammed      int64 `json:"spam_complaints"`
	// P50ToOpen is the median of the seconds from the arrival to a person's first
	// open, nil without an open.
	P50ToOpen *float64 `json:"p50_seconds_to_open"`
}

// A Day counts, for each metric, the deliveries with an event on the day.
type Day struct {
	Day          string `json:"day"` // such as 2026-11-24
	Sent         int64  `json:"sent"`
	Delivered    int64  `json:"delivered"`
	Opened       int64  `json:"human_opens"`
	Clicked      int64  `json:"clicks"`
	Bounced      int64  `json:"bounces"`
	Unsubscribed int64  `json:"unsubscribes"`
	Converted    int64  `json:"conversions"`
	Events       int64  `json:"events"`
}

// A Bounce counts the bounces for a reason.
type Bounce struct {
	// Reason is the failure message without the names in e-mail addresses, "" for
	// events without a message.
	Reason string              `json:"reason"`
	Class  webhook.BounceClass `json:"class"`
	Count  int64               `json:"bounces"`
}

// A Link counts the clicks of people, not machines, on a link.
type Link struct {
	Workspace string `json:"workspace"`
	Campaign  int64  `json:"campaign_id"`
	Href      string `json:"href"` // without the names in e-mail addresses
	Clicks    int64  `json:"clicks"`
	Unique    int64  `json:"unique_clicks"`
	People    int64  `json:"people"`
}

// An Hour has the time that the events received in the hour took to arrive.
type Hour struct {
	Hour   time.Time `json:"hour"`
	Events int64     `json:"events"`
	P50    *float64  `json:"p50_ms"` // nil when no event has a timestamp
	P99    *float64  `json:"p99_ms"`
}

// New queries the warehouse. When one query fails, New returns an error and no report.
func New(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Reader == nil {
		return nil, errors.New("make report: Reader is missing")
	}
	if cfg.Now.IsZero() {
		cfg.Now = time.Now()
	}
	r := &Report{Source: cfg.Source, At: cfg.Now.UTC(), Campaign: cfg.Campaign}
	if cfg.Days > 0 {
		since := r.At.Truncate(24*time.Hour).AddDate(0, 0, 1-cfg.Days)
		r.Since = &since
	}
	var newest []struct {
		At *time.Time `json:"newest"`
	}
	sql := statements(dialects[cmp.Or(cfg.Dialect, warehouse.DuckDBSQL)], r.Since, cfg.Campaign)
	err := errors.Join(
		read(ctx, cfg.Reader, sql.newest, &newest),
		read(ctx, cfg.Reader, sql.funnel, &r.Funnel),
		read(ctx, cfg.Reader, sql.daily, &r.Daily),
		read(ctx, cfg.Reader, sql.bounces, &r.Bounces),
		read(ctx, cfg.Reader, sql.links, &r.Links),
		read(ctx, cfg.Reader, sql.latency, &r.Latency),
	)
	if err != nil {
		return nil, err
	}
	for i := range r.Bounces {
		r.Bounces[i].Class = webhook.ClassifyBounce(r.Bounces[i].Reason)
	}
	for _, n := range newest {
		r.Newest = n.At
	}
	return r, nil
}

// read runs a statement and decodes its rows into the list. The JSON names of the
// fields are the names of the columns.
func read[T any](ctx context.Context, r warehouse.Reader, statement string, list *[]T) error {
	table, err := warehouse.ReadTable(ctx, r, statement)
	if err != nil {
		return err
	}
	text, err := json.Marshal(table.Objects())
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	if err := json.Unmarshal(text, list); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}
