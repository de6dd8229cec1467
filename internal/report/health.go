package report

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Health judges the e-mails of some days by the measures of mailbox providers.
type Health struct {
	At time.Time `json:"at"`
	// Since is the first day on which judged e-mails were sent, "" for all days.
	Since string `json:"since,omitempty"`
	// Status is the worst status of a measure, StatusFew without a measure.
	Status   warehouse.Status `json:"status"`
	Measures []Measure        `json:"measures"`
}

// A Measure is one measure of a message at a mailbox provider, of a provider, or of a
// workspace.
type Measure struct {
	Status warehouse.Status `json:"status"`
	// Measure is complaints, hard_bounces, refused, unauthenticated, human_opens or
	// sent_after_optout.
	Measure   string `json:"measure"`
	Workspace string `json:"workspace"`
	// Message names the message, by its name and by its ids: "campaign 7 / 12". "" for a
	// measure of all messages.
	Message string `json:"message,omitempty"`
	// Provider is "all" for the message as a whole, and "" for a workspace.
	Provider string `json:"mailbox_provider,omitempty"`
	// Count is the number of cases, of Of e-mails. Of is 0 for a measure that is a number.
	Count int64 `json:"count"`
	Of    int64 `json:"of,omitempty"`
	// Usual is the number of human opens that the median of 28 days lets expect, for
	// human_opens only.
	Usual int64 `json:"usual,omitempty"`
}

// NewHealth reads the views of Config.Reader. Config.Days is the number of days on which
// the judged e-mails were sent, including today, in the time zone of the warehouse,
// 0 for all. Only human_opens looks at other days.
func NewHealth(ctx context.Context, cfg Config) (*Health, error) {
	if cfg.Reader == nil {
		return nil, errors.New("report: no reader")
	}
	now := cmp.Or(cfg.Now, time.Now())
	h := &Health{At: now.UTC(), Status: warehouse.StatusFew, Measures: []Measure{}}
	place, err := cfg.zone(ctx)
	if err != nil {
		return nil, err
	}
	today := now.In(place)
	within := func(view string) string { return view }
	if cfg.Days > 0 {
		since := today.AddDate(0, 0, 1-cfg.Days)
		h.Since = since.Format(time.DateOnly)
		within = func(view string) string { return cfg.between(view, since, today) }
	}
	var (
		messages []messageHealth
		optouts  []Measure
		days     []mailboxDay
	)
	err = errors.Join(
		read(ctx, cfg.Reader, `SELECT workspace, coalesce(source, '') AS source, coalesce(source_id, '') AS source_id, coalesce(action_id, 0) AS action_id,
  coalesce(content_id, 0) AS content_id, coalesce(name, '') AS name, mailbox_provider, sent, hard_bounces, blocked, unauthenticated, complaints_outside_gmail, delivered_outside_gmail,
  bounce_status, blocked_status, authentication_status, coalesce(complaint_status, '') AS complaint_status
FROM `+within(warehouse.MessageHealth), &messages),
		read(ctx, cfg.Reader, "SELECT workspace, count(*) AS count FROM "+within(warehouse.SentAfterOptout)+" GROUP BY workspace", &optouts),
		read(ctx, cfg.Reader, "SELECT workspace, mailbox_provider, delivered, human_opens FROM "+
			cfg.between(warehouse.MailboxDaily, today.AddDate(0, 0, -opensWait-2*opensDays), today.AddDate(0, 0, -opensWait))+" ORDER BY workspace, mailbox_provider, day", &days),
	)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		h.add(messages[i].measures()...)
	}
	for _, m := range optouts {
		m.Measure, m.Status = "sent_after_optout", warehouse.OptoutLimit.Status(m.Count, 0)
		h.add(m)
	}
	h.add(opens(days)...)
	slices.SortStableFunc(h.Measures, func(a, b Measure) int { return cmp.Compare(b.Status.Rank(), a.Status.Rank()) })
	return h, nil
}

func (h *Health) add(measures ...Measure) {
	for _, m := range measures {
		if m.Status.Rank() > h.Status.Rank() {
			h.Status = m.Status
		}
		h.Measures = append(h.Measures, m)
	}
}

func (cfg *Config) between(view string, first, last time.Time) string {
	return between(cfg.Schema, view, first.Format(time.DateOnly), last.Format(time.DateOnly))
}
