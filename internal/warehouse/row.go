package warehouse

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Row is the record of one event: the fields of the body, the message's origin,
// and values derived from the body. Empty text, the number 0, a zero time and a nil
// flag are NULL in the table.
//
// Row embeds the event by value, so that a copy of a row can be changed alone. A
// pointer would save 0.3 µs in NewRow and cost Parquet 0.5 µs a row: a sink reads a
// batch column by column, and each value would need a second access to memory.
type Row struct {
	webhook.Event
	Origin
	Derived
	// ErasedAt is the time at which the person's data was removed from the row, zero
	// for a row with its data. NewRow leaves ErasedAt at zero.
	ErasedAt time.Time

	// isUTF8 says that all texts are UTF-8, so that valid skips its check.
	isUTF8 bool
}

// An Origin describes the message that carried the event.
type Origin struct {
	// EventID is the id under which ingest published the event: the body's id, or
	// a hash of a body without an id.
	EventID   string
	Workspace string
	// ReceivedAt is the time, by ingest's clock, at which ingest had read the call.
	ReceivedAt time.Time
	// Sequence is the message's sequence in the stream, 0 when unknown.
	Sequence uint64
}

// NewRow returns the row of an event.
func NewRow(e *webhook.Event, o Origin) Row {
	r := Row{Event: *e, Origin: o}
	r.complete()
	return r
}

// Parse sets r to the row of the event in a body, and replaces all of an earlier row.
// The errors are those of webhook.Parse. A text that is put into the row later must
// be UTF-8.
func (r *Row) Parse(body []byte, o Origin) error {
	if err := webhook.ParseInto(&r.Event, body); err != nil {
		return err
	}
	r.Origin, r.ErasedAt = o, time.Time{}
	r.complete()
	r.isUTF8 = utf8.ValidString(o.Workspace) && utf8.ValidString(o.EventID) // webhook.ParseInto returns UTF-8
	return nil
}

// complete computes the values that the body does not have as such. FailureMessage may
// become a device's, and Raw may be altered: see Derived.PayloadAltered.
//
// A row has neither Content nor Headers: no column needs them, Raw contains them, and a
// batch of whole e-mails would be in memory twice.
func (r *Row) complete() {
	r.FailureMessage = failureMessage(&r.Event)
	r.Derived = derive(&r.Event)
	raw, altered := storablePayload(r.Raw)
	if altered {
		r.Raw, r.PayloadAltered = raw, new(true)
	}
	r.Content, r.Headers = "", nil
}

// A Key identifies an event: rows with equal keys are deliveries of one event.
// Customer.io's own examples of two metrics share an event_id, so the metric belongs to
// the key. The object type does not: a better parser may find another object type in a
// stored body, and a replay would count the event again.
type Key struct {
	Workspace, EventID string
	// Metric is "" for an event without a metric, whose column is NULL. Two events
	// without a metric have equal metrics.
	Metric string
}

// Key returns the row's key with the values that the table has.
func (r *Row) Key() Key {
	return Key{Workspace: r.valid(r.Workspace), EventID: r.valid(r.EventID), Metric: r.valid(string(r.Metric))}
}

// valid returns a text of the row as UTF-8.
func (r *Row) valid(text string) string {
	if r.isUTF8 || utf8.ValidString(text) { // ValidString is several times as fast as ToValidUTF8
		return text
	}
	return strings.ToValidUTF8(text, replacement)
}

// Check returns an error for a row that no warehouse can store: a required column
// has no value, or a time is outside the years 1 to 9999. A row of NewRow passes
// when its Origin is complete and the event has a body.
func (r *Row) Check() error {
	switch {
	case r.EventID == "":
		return errors.New("row has no event_id")
	case r.Workspace == "":
		return errors.New("row has no workspace")
	case r.ReceivedAt.IsZero():
		return errors.New("row has no received_at")
	case len(r.Raw) == 0:
		return errors.New("row has no payload")
	case !storable(r.Timestamp):
		return fmt.Errorf("row has a timestamp in the year %d: want 1 to 9999", r.Timestamp.Year())
	case !storable(r.ReceivedAt):
		return fmt.Errorf("row has a received_at in the year %d: want 1 to 9999", r.ReceivedAt.Year())
	}
	return nil
}

// storableTime returns t, or the zero time when t is outside the years that every
// warehouse can store. A body may name any second, and its event is stored with a
// NULL.
func storableTime(t time.Time) time.Time {
	if !storable(t) {
		return time.Time{}
	}
	return t
}

func storable(t time.Time) bool {
	y := t.UTC().Year()
	return 1 <= y && y <= 9999
}
