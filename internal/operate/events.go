package operate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// recentMessages bounds the part of the stream in which RecentEvents looks: reading 50,000
// bodies takes some 0.3 s.
const recentMessages = 50_000

// RecentEvents returns the last n events that the filter selects among the last 50,000
// messages, the newest first.
func RecentEvents(ctx context.Context, conn *stream.Conn, f *EventFilter, n int) ([]event.Attempt, error) {
	last := newest[event.Attempt]{n: n}
	window := uint64(recentMessages)
	if f.selectsAll() {
		window = uint64(n) //nolint:gosec // a small number
	}
	err := conn.ReadRecent(ctx, f.subjects(), window, func(a event.Attempt) bool {
		if f.matchBody(a.Body) {
			last.add(a)
		}
		return true
	})
	return last.first(), err
}

// An Explanation says what became of an event: the row of the warehouse and the calls of
// the rules.
type Explanation struct {
	*event.Attempt
	// Problem is why the body is no event, "" for an event. Then Row and Trial are empty.
	Problem string
	// Row has the columns with a value, without the payload.
	Row []Cell
	// Trial has the calls that the policy makes of the event.
	Trial Trial
}

// A Cell is a column's value as a text.
type Cell struct {
	Column, Value string
	// Personal is set for a value that names a person.
	Personal bool
}

// ExplainEvent computes the row and the calls of an event by a policy. It calls nobody.
func ExplainEvent(p effect.Policy, a *event.Attempt) *Explanation {
	x := &Explanation{Attempt: a}
	e, err := webhook.Parse(a.Body)
	if err != nil {
		x.Problem = fmt.Sprintf("the body is no event: %v", err)
		return x
	}
	row := warehouse.NewRow(e, warehouse.Origin{EventID: a.ID, Workspace: a.Workspace, ReceivedAt: a.ReceivedAt, Sequence: a.Sequence})
	for _, c := range warehouse.Columns() {
		if value := textOf(&c, &row); value != "" && c.Name != "payload" {
			x.Row = append(x.Row, Cell{c.Name, value, c.Personal})
		}
	}
	x.Trial = try(p, e, 1, a.ReceivedAt)
	return x
}

// textOf returns a column's value as a text, "" for NULL.
func textOf(c *warehouse.Column, r *warehouse.Row) string {
	switch c.Type {
	case warehouse.Text, warehouse.JSON:
		return c.Text(r)
	case warehouse.Integer:
		if n := c.Integer(r); n != 0 {
			return strconv.FormatInt(n, 10)
		}
	case warehouse.Boolean:
		if b := c.Boolean(r); b != nil {
			return strconv.FormatBool(*b)
		}
	case warehouse.Timestamp:
		if t := c.Time(r); !t.IsZero() {
			return t.UTC().Format(time.RFC3339Nano)
		}
	case warehouse.Float, warehouse.Date: // of views only
	default:
	}
	return ""
}
