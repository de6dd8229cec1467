package warehouse

import (
	"slices"
	"time"
	"unicode/utf8"
)

// DefaultSchema is the schema of the table and the views. In BigQuery, the name of
// the dataset takes its place when the configuration has one.
const DefaultSchema = "messaging"

// Names of the table of events and of the views over the table. All warehouses use
// these names.
const (
	Events          = "customerio_events"
	Deliveries      = "customerio_deliveries"
	Daily           = "customerio_daily"
	Messages        = "customerio_messages"
	ActivityDaily   = "customerio_activity_daily"
	TimeToOpen      = "customerio_time_to_open"
	Links           = "customerio_links"
	Bounces         = "customerio_bounces"
	Preferences     = "customerio_preferences"
	PipelineLatency = "customerio_pipeline_latency"
	MailboxDaily    = "customerio_mailbox_daily"
	MessageHealth   = "customerio_message_health"
	SentAfterOptout = "customerio_sent_after_optout"
)

// Views lists the names of the views of the Dictionary, in its order.
func Views() []string {
	names := make([]string, len(dictionary))
	for i := range dictionary {
		names[i] = dictionary[i].Name
	}
	return names
}

// RetiredViews lists views of older releases, which cannot read today's views.
func RetiredViews() []string {
	return []string{"customerio_campaign_funnel", "customerio_campaign_daily", "customerio_link_clicks"}
}

// Each view V has a table function V_between(first_day, last_day) with the numbers of the
// days from first_day to last_day, which are dates in the time zone of customerio_settings.
// Its deliveries are complete if their events are at most NearDays away from these days.
const (
	Between  = "_between"
	NearDays = 31
)

// A Type is a column's type. Each warehouse maps Type to a type of its own.
type Type int

// The types of columns.
const (
	Text Type = iota
	Integer
	Boolean
	Timestamp // with microseconds, in UTC
	JSON
	Float // in views only, like Date
	Date
)

// A Column is one column of the table of events or of a view. A column of the table has
// values: only the method of the column's type may be called, and a sink chooses the
// method once for each column, not for each value.
type Column struct {
	Name string
	Type Type
	// Required means that the column is never NULL.
	Required bool
	// Personal means that an erased row has NULL in the column. The payload is not
	// Personal: an erased row has the payload of ErasedPayload.
	Personal bool
	// About is the column's description in the warehouse.
	About string

	field   func(*Row) *string // of a Personal column, in place of text
	text    func(*Row) string
	integer func(*Row) int64
	boolean func(*Row) *bool
	instant func(*Row) time.Time
}

// Text returns the value of a Text or JSON column as valid UTF-8; "" is NULL. JSON
// follows the rules of encoding/json, which allow a few things that a warehouse
// may not, such as half a surrogate pair or 1e999.
func (c *Column) Text(r *Row) string {
	if c.field != nil {
		return r.valid(*c.field(r))
	}
	return r.valid(c.text(r))
}

// Field returns the place of a Personal column's value in a row, to change the value. The new
// value must be UTF-8, because sinks do not check the texts of a parsed row.
func (c *Column) Field(r *Row) *string { return c.field(r) }

// Integer returns an Integer column's value; 0 is NULL.
func (c *Column) Integer(r *Row) int64 { return c.integer(r) }

// Boolean returns a Boolean column's value; nil is NULL.
func (c *Column) Boolean(r *Row) *bool { return c.boolean(r) }

// Time returns a Timestamp column's value; the zero time is NULL. Sinks truncate
// the value to microseconds.
func (c *Column) Time(r *Row) time.Time { return c.instant(r) }

// replacement replaces bytes that are not UTF-8, as in encoding/json.
const replacement = string(utf8.RuneError)

// Columns returns the columns of the table of events in the order of the table. A
// new column goes to the end and is not required: older rows have no value. A column
// never changes its type, because no warehouse can change the type in place.
func Columns() []Column { return slices.Clone(columns) }
