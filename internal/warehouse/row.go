package warehouse

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

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

// Derived has the values of columns that need more than one field of the event.
// NewRow computes the values once for each row, because DuckDB reads a batch twice.
type Derived struct {
	// PersonID is the person's id in the workspace.
	PersonID string
	// Address is the e-mail address that the event is about.
	Address string
	// Timestamp is the time at which the event occurred, NULL when the body has no
	// time. A substitute would differ between two deliveries of one event.
	Timestamp time.Time
	// ByMachine says whether a machine opened or clicked.
	ByMachine *bool
}

// NewRow returns the row of an event. The row has neither Content nor Headers: no
// column needs them, Raw contains them, and a batch of whole e-mails would be in
// memory twice.
func NewRow(e *webhook.Event, o Origin) Row {
	r := Row{Event: *e, Origin: o, Derived: Derived{
		PersonID:  cmp.Or(e.CustomerID, e.Identifiers.ID),
		Address:   emailAddress(e),
		Timestamp: storableTime(e.OccurredAt),
		ByMachine: e.IsMachine(),
	}}
	r.Content, r.Headers = "", nil
	return r
}

// A Key identifies an event: rows with equal keys are deliveries of one event.
type Key struct{ Workspace, EventID string }

// Key returns the row's key with the values that the table has.
func (r *Row) Key() Key {
	return Key{
		Workspace: strings.ToValidUTF8(r.Workspace, replacement),
		EventID:   strings.ToValidUTF8(r.EventID, replacement),
	}
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

// emailAddress returns the address that the event is about. Today's message events
// carry the address as the recipient.
func emailAddress(e *webhook.Event) string {
	if e.EmailAddress != "" {
		return e.EmailAddress
	}
	if e.ObjectType == webhook.Email && e.Recipient != "" {
		return e.Recipient
	}
	return e.Identifiers.Email
}
