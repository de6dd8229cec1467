// Package report sums up a warehouse for people: how far messages came, what
// happened on each day, why they bounced, what was clicked, and how long events
// took to arrive.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Query runs one SELECT in DuckDB's dialect on the warehouse. Names need no
// schema there, and the time zone is UTC.
type Query func(ctx context.Context, statement string) (*warehouse.Table, error)

// Config chooses what a report is about. Query is required.
type Config struct {
	Query Query
	// Source is what the report calls the warehouse.
	Source string
	// Campaign is the only campaign to report on, in each workspace. Default all
	// of them, and the messages without one.
	Campaign int64
	// Days is how many days the report goes back, the present one included. Days
	// begin at midnight UTC. Default all.
	Days int
	// Now is the time of the report. Default the present.
	Now time.Time
}

// A Report is what New found. Lists are empty, never nil.
type Report struct {
	Source string    `json:"source"`
	At     time.Time `json:"at"`
	// Since is the first moment that is reported on, nil for all.
	Since    *time.Time `json:"since"`
	Campaign int64      `json:"campaign_id,omitempty"`
	// Newest is the time of the warehouse's latest event, nil for an empty one.
	Newest *time.Time `json:"newest_event_at"`

	Funnel  []Funnel `json:"funnel"`
	Daily   []Day    `json:"daily"`
	Bounces []Bounce `json:"bounces"`
	Links   []Link   `json:"links"`
	Latency []Hour   `json:"latency"`
}

// A Funnel counts the deliveries of one campaign that came as far as each stage.
// Opens and clicks are a person's, not a machine's.
type Funnel struct {
	Workspace  string `json:"workspace"`
	ObjectType string `json:"object_type"`
	// Campaign is 0 for messages of no campaign.
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
	// P50ToOpen is the median of the seconds from the arrival to a person's
	// first open, nil without one.
	P50ToOpen *float64 `json:"p50_seconds_to_open"`
}

// A Day counts the deliveries with an event of the metric on the day.
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

// A Bounce counts the bounces for one reason.
type Bounce struct {
	// Reason is the failure message with the names in its addresses left out,
	// "" when the event has none.
	Reason string              `json:"reason"`
	Class  webhook.BounceClass `json:"class"`
	Count  int64               `json:"bounces"`
}

// A Link counts the clicks of people, not machines, on a link.
type Link struct {
	Workspace string `json:"workspace"`
	Campaign  int64  `json:"campaign_id"`
	Href      string `json:"href"` // with the names in its addresses left out
	Clicks    int64  `json:"clicks"`
	Unique    int64  `json:"unique_clicks"`
	People    int64  `json:"people"`
}

// An Hour tells how long the events received in it took to arrive.
type Hour struct {
	Hour   time.Time `json:"hour"`
	Events int64     `json:"events"`
	P50    *float64  `json:"p50_ms"` // nil when no event says when it occurred
	P99    *float64  `json:"p99_ms"`
}

// New asks the warehouse. An error of a query fails the whole report.
func New(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Query == nil {
		return nil, errors.New("no warehouse to query")
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
		At *time.Time `json:"at"`
	}
	sql := statements(r.Since, cfg.Campaign)
	err := errors.Join(
		read(ctx, cfg.Query, sql.newest, &newest),
		read(ctx, cfg.Query, sql.funnel, &r.Funnel),
		read(ctx, cfg.Query, sql.daily, &r.Daily),
		read(ctx, cfg.Query, sql.bounces, &r.Bounces),
		read(ctx, cfg.Query, sql.links, &r.Links),
		read(ctx, cfg.Query, sql.latency, &r.Latency),
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

// read fills the list with the rows, by the names of the columns in JSON.
func read[T any](ctx context.Context, query Query, statement string, list *[]T) error {
	table, err := query(ctx, statement)
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
