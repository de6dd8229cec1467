package audit

import (
	"cmp"
	"context"
	"maps"
	mathbits "math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A comparison is a Comparison that is being made.
type comparison struct {
	*auditor
	Comparison

	lines map[Line]*Line // by message and metric
}

// compareCustomerio compares the deliveries that Customer.io lists with the index.
func (a *auditor) compareCustomerio(ctx context.Context) (*Comparison, error) {
	if err := a.checkKey(ctx); err != nil {
		return nil, err
	}
	c := &comparison{auditor: a, lines: map[Line]*Line{}}
	c.ErasedUnknown = a.Erased == nil
	q := customerio.DeliveryQuery{Since: a.Since.Add(-a.Lookback), Until: a.Until}
	c.Listed = q.Since.UTC()
	for d, err := range a.App.Deliveries(ctx, q) {
		if err != nil {
			return nil, err
		}
		c.Deliveries++
		if err := c.compare(&d); err != nil {
			return nil, err
		}
		a.step(float64(d.Created.Sub(q.Since)) / float64(q.Until.Sub(q.Since)))
	}
	c.countOnlyHere()
	c.Lines = c.sorted()
	return &c.Comparison, nil
}

// compare compares the metrics of a delivery.
func (c *comparison) compare(d *customerio.Delivery) error {
	hash := c.index.hash(d.ID)
	stored, known := c.index.entries[hash]
	for _, metric := range compared {
		at, ok := d.Metrics[metric]
		if !ok {
			continue
		}
		bit := bitOf(metric)
		stored.listed |= bit
		switch {
		case !c.covers(at):
		case !customerio.HasEvent(d.ObjectType, metric):
			c.NoWebhook++
		case d.Forgotten:
			c.Forgotten++
		case stored.stored&bit == 0 && c.streamed[c.index.hash(d.ID, string(metric))] == late:
			c.Waiting++
		case stored.stored&bit != 0:
			line := c.line(c.messageOf(d, &stored), metric)
			line.Customerio++
			line.Here++
		default:
			if err := c.gap(d, metric, at, c.messageOf(d, &stored)); err != nil {
				return err
			}
		}
	}
	if known {
		c.index.entries[hash] = stored
	}
	return nil
}

// gap reports a missing metric, unless compareStream has reported it. A metric of an erased
// person is no gap. An event in the stream is one: the worker writes its row without
// personal data.
func (c *comparison) gap(d *customerio.Delivery, metric webhook.Metric, at time.Time, m Message) error {
	reported := c.streamed[c.index.hash(d.ID, string(metric))] == lost
	if !reported {
		erased, err := c.isErased(d)
		if err != nil {
			return err
		}
		if erased {
			c.Erased++
			return nil
		}
	}
	line := c.line(m, metric)
	line.Customerio++
	line.Missing++
	c.Missing++
	if reported {
		return nil
	}
	return c.missing(Gap{Message: m, DeliveryID: d.ID, Metric: metric, At: at, Created: d.Created, Delivery: d})
}

// isErased reports whether the person of a delivery was erased. The fields are those of
// body that name a person, so that a sink would decide alike about the backfilled event.
func (c *comparison) isErased(d *customerio.Delivery) (bool, error) {
	if c.auditor.Erased == nil {
		return false, nil
	}
	return c.auditor.Erased.IsErased(c.Workspace, &webhook.Event{
		ObjectType: d.ObjectType, CustomerID: d.CustomerID, Identifiers: d.Identifiers, Recipient: d.Recipient,
	})
}

// countOnlyHere counts the stored metrics of the period that Customer.io does not list.
func (c *comparison) countOnlyHere() {
	for _, e := range c.index.entries {
		for only := e.within &^ e.listed; only != 0; only &= only - 1 {
			line := c.line(c.index.messages[e.message], compared[mathbits.TrailingZeros16(uint16(only))])
			line.OnlyHere++
			line.Here++
			c.OnlyHere++
		}
	}
}

func (c *comparison) line(m Message, metric webhook.Metric) *Line {
	key := Line{Message: m, Metric: metric}
	line := c.lines[key]
	if line == nil {
		line = &Line{Message: m, Metric: metric}
		c.lines[key] = line
	}
	return line
}

// messageOf returns the message of a delivery: the warehouse knows the transactional
// message, and the App API does not.
func (c *comparison) messageOf(d *customerio.Delivery, stored *entry) Message {
	if stored.stored != 0 {
		if m := c.index.messages[stored.message]; m.Source != "" {
			return m
		}
	}
	m := Message{ObjectType: d.ObjectType, Source: "transactional", ActionID: d.ActionID, ContentID: d.ContentID}
	for _, s := range []struct {
		source string
		id     int64
	}{{"campaign", d.CampaignID}, {"broadcast", d.BroadcastID}, {"newsletter", d.NewsletterID}} {
		if s.id != 0 {
			m.Source, m.SourceID = s.source, strconv.FormatInt(s.id, 10)
			break
		}
	}
	return m
}

func (c *comparison) sorted() []Line {
	lines := make([]Line, 0, len(c.lines))
	for _, line := range slices.Collect(maps.Values(c.lines)) {
		lines = append(lines, *line)
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(len(a.SourceID), len(b.SourceID)), cmp.Compare(a.SourceID, b.SourceID),
			cmp.Compare(a.ActionID, b.ActionID), cmp.Compare(a.ContentID, b.ContentID), cmp.Compare(a.ObjectType, b.ObjectType),
			cmp.Compare(bitOf(a.Metric), bitOf(b.Metric)))
	})
	return lines
}
