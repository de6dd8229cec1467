package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// settled returns the sequence up to which the warehouse has its events. The caller asks
// before it reads the rows.
func (a *auditor) settled(ctx context.Context) (uint64, error) {
	if a.Stream == nil {
		return 0, nil
	}
	link, err := a.Stream.StoreLink(ctx, a.Consumer)
	if err != nil {
		return 0, err
	}
	if !link.Exists {
		return 0, fmt.Errorf("consumer %s does not exist: no worker fills this warehouse from this stream", a.Consumer)
	}
	return link.Settled, nil
}

// compareStream looks for events of the stream that were received in the period, or that
// occurred in it and came later, and have no row.
func (a *auditor) compareStream(ctx context.Context, settled uint64) (*StreamComparison, error) {
	r := &StreamComparison{}
	var failure error
	err := a.Stream.TailEvents(ctx, stream.Selection{Since: a.Since, Subjects: stream.Select([]string{a.Workspace}, nil, nil)}, func(m event.Attempt) bool {
		if m.Workspace != a.Workspace || m.ReceivedAt.Before(a.Since) {
			return true
		}
		failure = a.compareEvent(&m, settled, r)
		return failure == nil
	})
	if failure != nil {
		err = failure
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// covers reports whether a time is in the period.
func (a *auditor) covers(t time.Time) bool { return !t.Before(a.Since) && t.Before(a.Until) }

func (a *auditor) compareEvent(m *event.Attempt, settled uint64, r *StreamComparison) error {
	var row warehouse.Row
	readable := row.Parse(m.Body, warehouse.Origin{Workspace: m.Workspace, EventID: m.ID, ReceivedAt: m.ReceivedAt}) == nil
	key, inPeriod := row.Key(), m.ReceivedAt.Before(a.Until)
	old := !row.Timestamp.IsZero() && row.Timestamp.Before(a.oldest())
	switch {
	case !inPeriod:
	case !readable:
		r.Unreadable++
	case old:
		r.Old++
	default:
		r.Events++
	}
	missed := a.index.hash(key.EventID, key.Metric, "")
	if !readable || old || a.rows.has(a.index.hash(key.EventID, key.Metric)) || a.streamed[missed] == lost { // a repeated call
		return nil
	}
	why := lost
	if m.Sequence > settled || !inPeriod && !a.covers(row.Timestamp) {
		why = late
	}
	a.streamed[missed] = why
	if row.DeliveryID != "" {
		a.streamed[a.index.hash(row.DeliveryID, string(row.Metric))] = why
	}
	switch {
	case why == lost:
		r.Missing++
		return a.missing(Gap{
			Message:    Message{row.ObjectType, row.Source, row.SourceID, row.ActionID, row.ContentID},
			DeliveryID: row.DeliveryID, Metric: row.Metric, At: row.Timestamp, Sequence: m.Sequence, EventID: m.ID,
		})
	case inPeriod:
		r.Waiting++
	}
	return nil
}
