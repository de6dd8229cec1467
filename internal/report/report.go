// Package report summarises a warehouse for people: the messages with their rates, the
// days, the mailbox providers, the reasons of bounces, the times to open, the clicked
// links, and the time that events took to arrive.
package report

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Config chooses the contents of a report. Reader is required.
type Config struct {
	Reader warehouse.Reader
	// Dialect is the SQL of Reader. Default DuckDBSQL.
	Dialect warehouse.Dialect
	// Schema is the schema or dataset of the views. Default warehouse.DefaultSchema.
	Schema string
	// Rows is the table with all rows of each event. Default customerio_events, which has one
	// row of each event.
	Rows string
	// Source is the warehouse's name in the report.
	Source string
	// Campaign restricts the messages and links to the campaign with this number, in each
	// workspace. Default all messages.
	Campaign int64
	// Days is the number of days of the report up to Until, including the day. Default all.
	Days int
	// Since and Until are the first and the last day, such as 2026-11-24 or, for 7 days ago,
	// -7d. Since replaces Days. Default no bound; Days end today.
	Since, Until string
	// Timezone is the IANA name of the zone in which days begin. Default the zone of
	// customerio_settings.
	Timezone string
	// Now is the time of the report. Default time.Now().
	Now time.Time
}

// A Report has the numbers of a warehouse. A delivery counts on the day on which it was
// sent, whatever happens to it later. Lists are empty, never nil.
type Report struct {
	Source   string    `json:"source"`
	At       time.Time `json:"at"`
	Timezone string    `json:"timezone"`
	// Since and Until are the first and the last day, "" for no bound.
	Since    string `json:"since,omitempty"`
	Until    string `json:"until,omitempty"`
	Campaign int64  `json:"campaign_id,omitempty"`
	// Newest is the time of the latest event of the deliveries, or of the warehouse when the
	// report has no delivery. nil without an event.
	Newest *time.Time `json:"newest_event_at"`

	Summary  Total     `json:"summary"`
	Channels []Message `json:"channels"` // without source; by workspace and object type
	Messages []Message `json:"messages"`
	Days     []Day     `json:"days"`
	Mailbox  []Mailbox `json:"mailbox_providers"`
	Bounces  []Bounce  `json:"bounces"`
	Links    []Link    `json:"links"`
	// Latency has all events of the days, also with Config.Campaign.
	Latency []Hour  `json:"latency"`
	Health  *Health `json:"health"`
}

// A Message is a message of a campaign, broadcast, newsletter or transactional message.
type Message struct {
	Key
	Name string `json:"name,omitempty"`
	Counts
	Rates     Rates  `json:"rates"`
	ToOpen    *Times `json:"seconds_to_open"`    // from the arrival to the first human open; nil without one
	ToDeliver *Times `json:"seconds_to_deliver"` // from sent to delivered; nil without both
}

// A Key identifies a message. Source is "" for a message without a source.
type Key struct {
	Workspace  string `json:"workspace"`
	ObjectType string `json:"object_type"`
	Source     string `json:"source,omitempty"`
	SourceID   string `json:"source_id,omitempty"`
	Action     int64  `json:"action_id,omitempty"`
	Content    int64  `json:"content_id,omitempty"`
}

// Times are quantiles, in seconds, of Count deliveries.
type Times struct {
	Count int64   `json:"deliveries"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
}

// A Day has the deliveries sent on the day.
type Day struct {
	Day string `json:"day"` // such as 2026-11-24
	Total
}

// A Mailbox has the e-mails to a mailbox provider.
type Mailbox struct {
	Provider string `json:"mailbox_provider"`
	Counts
	Rates Rates `json:"rates"`
}

// A Bounce counts the deliveries that bounced at last, for a reason.
type Bounce struct {
	Class    string `json:"class"` // hard, soft or unknown
	Provider string `json:"mailbox_provider"`
	// Reason is the failure message without addresses and query strings, "" for events
	// without a message.
	Reason string `json:"reason"`
	Count  int64  `json:"deliveries"`
}

// A Link counts the clicks of people, not machines, on a link. A click counts on its own
// day.
type Link struct {
	Key
	Name       string `json:"name,omitempty"`
	URL        string `json:"url"` // without query, fragment and addresses
	Clicks     int64  `json:"human_clicks"`
	Deliveries int64  `json:"clicked_deliveries"`
	People     int64  `json:"people"`
}

// An Hour has the time that the events received in the hour took to arrive.
type Hour struct {
	Hour   time.Time `json:"hour"`
	Events int64     `json:"events"`
	P50    *float64  `json:"p50_ms"` // nil when no event has a timestamp
	P90    *float64  `json:"p90_ms"`
	P99    *float64  `json:"p99_ms"`
}

// New queries the warehouse. When one query fails, New returns an error and no report.
func New(ctx context.Context, cfg Config) (*Report, error) {
	c, err := begin(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	r := c.Report
	err = errors.Join(
		read(ctx, cfg.Reader, names, &c.names),
		c.count(ctx, cfg.Reader),
		read(ctx, cfg.Reader, c.links(), &r.Links),
		read(ctx, cfg.Reader, c.latency(), &r.Latency),
		read(ctx, cfg.Reader, c.optouts(), &c.late),
	)
	if err == nil && r.Summary.Deliveries == 0 {
		err = r.readNewest(ctx, cfg.Reader, c.newest())
	}
	if err != nil {
		return nil, err
	}
	c.finish()
	return r, nil
}

// begin returns a collector for the days of the report.
func begin(ctx context.Context, cfg *Config) (*collector, error) {
	if cfg.Reader == nil {
		return nil, errors.New("make report: Reader is missing")
	}
	now := cmp.Or(cfg.Now, time.Now()).UTC()
	s, err := cfg.span(ctx, now)
	if err != nil {
		return nil, err
	}
	return newCollector(newWriter(cfg, s), &Report{
		Source: cfg.Source, At: now, Campaign: cfg.Campaign, Since: s.since, Until: s.until, Timezone: s.place.String(),
		Channels: []Message{}, Messages: []Message{}, Days: []Day{}, Mailbox: []Mailbox{}, Bounces: []Bounce{},
	}), nil
}

func (r *Report) readNewest(ctx context.Context, reader warehouse.Reader, statement string) error {
	var newest []struct {
		At *time.Time `json:"newest"`
	}
	err := read(ctx, reader, statement, &newest)
	for _, n := range newest {
		r.Newest = n.At
	}
	return err
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
