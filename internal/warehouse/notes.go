package warehouse

import (
	"context"
	"slices"
)

// Names of the two tables beside the table of events.
const (
	Names    = "customerio_names"
	Settings = "customerio_settings"
)

// DefaultTimezone is the time zone of a warehouse whose time zone nobody has set.
const DefaultTimezone = "UTC"

// A Name is the name that people gave to a source in Customer.io, or to an action or a
// variant of the source.
type Name struct {
	Source    string // campaign, broadcast, newsletter or transactional
	SourceID  string // as in the table of events
	ActionID  int64  // 0 for the name of the source itself, as of a variant
	ContentID int64  // 0 for the name of the source itself, as of an action
	Name      string
}

// Notes are the two small tables beside the events: the names of messages, and the
// settings that all readers share. Every sink implements Notes, and package warehousetest
// has the suite. The caller calls the methods after a successful Open, one at a time.
// Other processes may use the warehouse meanwhile. After an error the caller may repeat
// the call.
type Notes interface {
	// Names returns the names of a workspace in any order.
	Names(ctx context.Context, workspace string) ([]Name, error)
	// PutNames adds new names and replaces changed names. The names have different keys.
	// A name that is not among them stays, because old messages keep their name. A
	// name that is equal to the stored name changes nothing.
	PutNames(ctx context.Context, workspace string, names []Name) error
	// Timezone returns the IANA name of the time zone in which days of the views begin,
	// at first DefaultTimezone.
	Timezone(ctx context.Context) (string, error)
	// SetTimezone sets the time zone. The caller has checked the name.
	SetTimezone(ctx context.Context, name string) error
}

// NameColumns returns the columns of the table of names in the order of the table.
func NameColumns() []Column { return slices.Clone(nameColumns) }

var nameColumns = []Column{
	required(column("workspace", Text, "The Customer.io workspace")),
	required(column("source", Text, "campaign, broadcast, newsletter or transactional")),
	required(column("source_id", Text, "The id of the source as a text")),
	column("action_id", Integer, "The message within its campaign or broadcast. NULL for the name of the source"),
	column("content_id", Integer, "The variant of a newsletter. NULL for the name of the source"),
	required(column("name", Text, "The name in Customer.io")),
	required(column("updated_at", Timestamp, "When the name was stored or changed here")),
}

// SettingColumns returns the columns of the table of settings, which has one row.
func SettingColumns() []Column { return slices.Clone(settingColumns) }

var settingColumns = []Column{
	required(column("timezone", Text, "The IANA name of the time zone in which days of the views begin")),
}

// Key returns the Name without its text, to compare names by what they name.
func (n Name) Key() Name {
	n.Name = ""
	return n
}

// NameChanges says what PutNames changes.
type NameChanges struct {
	New, Renamed []Name
	Unchanged    int
}

// CompareNames compares names with the stored names of their workspace.
func CompareNames(stored, names []Name) NameChanges {
	known := make(map[Name]string, len(stored))
	for i := range stored {
		known[stored[i].Key()] = stored[i].Name
	}
	var c NameChanges
	for _, n := range names {
		switch old, ok := known[n.Key()]; {
		case !ok:
			c.New = append(c.New, n)
		case old != n.Name:
			c.Renamed = append(c.Renamed, n)
		default:
			c.Unchanged++
		}
	}
	return c
}

// Changed returns the new and the changed names.
func (c NameChanges) Changed() []Name { return slices.Concat(c.New, c.Renamed) }
