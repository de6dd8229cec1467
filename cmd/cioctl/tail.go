package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// tailOptions holds the flags of tail.
type tailOptions struct {
	output
	since  string
	start  time.Time // of since; set by the check
	dead   bool
	reveal bool
	filter operate.EventFilter
}

func (c *cli) tail() *cobra.Command {
	o := tailOptions{output: output{rawTo: c.out}}
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events as they arrive, until Ctrl-C",
		Long: `tail prints one line for each event that is stored from now on: the time in UTC, the
sequence in the stream, the workspace, the object type, the metric, and who and what
the event is about. The consumers do not notice.

With --output json each line is a JSON object that has the whole body, which may
contain personal data. E-mail addresses are masked (a…@mail.example) unless you say
--reveal. With --dead it prints dead letters instead: the stored ones
first, then new ones. The line has the number for cioctl dead show.

The filters select by what an event says. Values of one flag, comma-separated, are
alternatives; an event must match each flag. No line means that no event matches:
compare with tail without filters, and with cioctl status.

tail ends with exit code 0 after Ctrl-C. A body that is no event shows its time,
sequence and workspace only: --output json has the body.`,
		Example: `  cioctl tail
  cioctl tail --since -10m --output json | jq .body
  cioctl tail --workspace acme --metric bounced,spammed
  cioctl tail --since -7d --person ann@example.com
  cioctl tail --object-type email --source campaign:4
  cioctl tail --dead`,
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		c.noteUnknown(&o.filter)
		if o.dead {
			return operate.TailDeadLetters(ctx, conn, &o.filter, o.start, func(d event.StoredDeadLetter) bool { return c.printDead(&o, &d) == nil })
		}
		return operate.TailEvents(ctx, conn, &o.filter, o.start, func(a event.Attempt) bool { return c.printEvent(&o, &a) == nil })
	}, &o)
}

// Declare adds the flags and the checks to the set.
func (o *tailOptions) Declare(s *config.Set) {
	flags := s.Flags()
	flags.StringVar(&o.since, "since", "", "start with events of this time: -10m, -7d, 2026-11-01 or 2026-11-01T15:04:05Z (default: new events only)")
	flags.StringSliceVar(&o.filter.Workspaces, "workspace", nil, "only these workspaces")
	flags.StringSliceVar(&o.filter.ObjectTypes, "object-type", nil, "only these object types, such as email")
	flags.StringSliceVar(&o.filter.Metrics, "metric", nil, "only these metrics, such as bounced")
	flags.StringSliceVar(&o.filter.People, "person", nil, "only these people: id, cio_id, e-mail address, phone number or recipient")
	flags.StringSliceVar(&o.filter.Sources, "source", nil, "only messages of a campaign, broadcast, newsletter or transactional, or of one: campaign:4")
	flags.StringSliceVar(&o.filter.Deliveries, "delivery", nil, "only these messages to one person, by delivery_id")
	flags.BoolVar(&o.reveal, "reveal", false, "show e-mail addresses")
	flags.BoolVar(&o.dead, "dead", false, "print dead letters instead of events")
	o.output.Declare(s)
	filled(s, "since", "workspace", "object-type", "metric", "person", "source", "delivery")
	s.Check(func() (err error) {
		lower(o.filter.ObjectTypes)
		lower(o.filter.Metrics)
		o.start, _, err = operate.ParsePeriod(o.since, "", time.Now())
		return flagError(errors.Join(err, o.filter.Check()))
	})
}

// lower rewrites words as webhook.Parse does.
func lower(words []string) {
	for i, w := range words {
		words[i] = strings.ToLower(w)
	}
}

// noteUnknown tells the operator about words that Customer.io does not send: perhaps a
// misspelling.
func (c *cli) noteUnknown(f *operate.EventFilter) {
	for _, m := range f.Metrics {
		if !slices.Contains(webhook.Metrics(), webhook.Metric(m)) {
			c.tellf("note: %q is not a metric of Customer.io: %s", m, operate.Words(webhook.Metrics()))
		}
	}
	for _, t := range f.ObjectTypes {
		if !slices.Contains(webhook.ObjectTypes(), webhook.ObjectType(t)) {
			c.tellf("note: %q is not an object type of Customer.io: %s", t, operate.Words(webhook.ObjectTypes()))
		}
	}
}

func (c *cli) printEvent(o *tailOptions, a *event.Attempt) error {
	if o.format == "json" {
		return o.object(c.out, map[string]any{
			"sequence": a.Sequence, "workspace": a.Workspace, "id": a.ID, "received_at": a.ReceivedAt.UTC(), "body": o.body(a.Body),
		})
	}
	e, err := webhook.Parse(a.Body)
	if err != nil {
		e = &webhook.Event{}
	}
	return o.line(c.out, "%s  %8d  %-10s %-9s %-14s delivery=%s source=%s person=%s", text(a.ReceivedAt), a.Sequence,
		a.Workspace, string(e.ObjectType), string(e.Metric), e.DeliveryID, operate.SourceOf(e), o.text(cmp.Or(e.Identifiers.CioID, e.Identifiers.ID, e.CustomerID)))
}

func (c *cli) printDead(o *tailOptions, d *event.StoredDeadLetter) error {
	if o.format == "json" {
		return o.object(c.out, map[string]any{
			"seq": d.Entries[0], "from": d.From, "reason": d.Reason, "error": o.text(d.Err), "attempts": d.Attempts, "sequence": d.Sequence, "subject": d.Subject,
			"workspace": d.Workspace, "id": d.ID, "received_at": d.ReceivedAt.UTC(), "died_at": d.DiedAt.UTC(), "body": o.body(d.Body),
		})
	}
	return o.line(c.out, "%s  %6d  from=%s reason=%s attempts=%d id=%s bytes=%d  %s", text(d.DiedAt), d.Entries[0], d.From, string(d.Reason), d.Attempts, d.ID, len(d.Body), o.text(d.Err))
}

// body returns a body for JSON output.
func (o *tailOptions) body(body []byte) any {
	if o.reveal {
		return operate.JSONOrText(body)
	}
	return operate.MaskBody(body)
}

func (o *tailOptions) text(text string) string {
	if o.reveal {
		return text
	}
	return operate.Mask(text)
}
