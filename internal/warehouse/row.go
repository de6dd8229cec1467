package warehouse

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Row is one event's record: what the body says, what the stream says of the
// message, and what is derived from both. Package warehouse's columns say which
// field goes where. Empty text, the number 0, a zero time and a nil flag are NULL
// in the table.
//
// The row has the event by value. Behind a pointer, a row costs Parquet an eighth
// more processor time and DuckDB a twentieth: both read a batch column by column,
// and each value would be a second access to memory far away.
type Row struct {
	webhook.Event
	Origin
	Derived
}

// An Origin is what a row says of an event beyond its body.
type Origin struct {
	// EventID is the id under which the event was published. It stands in for
	// the body's id when the body has none.
	EventID   string
	Workspace string
	// ReceivedAt is the time, by our clock, at which ingest had read the call.
	ReceivedAt time.Time
	// Sequence is the message's sequence in the stream, 0 when unknown.
	Sequence uint64
}

// Derived is what columns need and the event does not say in one field. NewRow
// computes it once for each row: DuckDB reads a batch twice.
type Derived struct {
	// PersonID is the person's id in the workspace.
	PersonID string
	// Address is the e-mail address that the event is about.
	Address string
	// Timestamp is the time at which the event occurred. It is NULL when the body
	// does not say: a substitute would differ between two deliveries of one event.
	Timestamp time.Time
	// ByMachine says whether a machine opened or clicked.
	ByMachine *bool
}

// NewRow makes the row of an event. It leaves out the message's content and
// headers, which no column has: Raw contains them, and a batch of whole e-mails
// would be in memory twice.
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

// A Key is what makes an event one event.
type Key struct{ Workspace, EventID string }

// Key returns the row's key as it stands in the table.
func (r *Row) Key() Key {
	return Key{
		Workspace: strings.ToValidUTF8(r.Workspace, replacement),
		EventID:   strings.ToValidUTF8(r.EventID, replacement),
	}
}

// Check returns why no warehouse can store the row: a required column without
// a value, or a time outside the years 1 to 9999. Rows of NewRow pass when their
// Origin is complete and the event has a body.
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
		return fmt.Errorf("row's timestamp is in the year %d", r.Timestamp.Year())
	case !storable(r.ReceivedAt):
		return fmt.Errorf("row's received_at is in the year %d", r.ReceivedAt.Year())
	}
	return nil
}

// storableTime returns t, or the zero time for one that not every warehouse can
// hold: a body may name any second, and must be stored nevertheless.
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

// emailAddress is the address that the event is about: today's message events
// carry it as the recipient.
func emailAddress(e *webhook.Event) string {
	if e.EmailAddress != "" {
		return e.EmailAddress
	}
	if e.ObjectType == webhook.Email && e.Recipient != "" {
		return e.Recipient
	}
	return e.Identifiers.Email
}
