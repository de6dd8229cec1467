package warehouse

// A Type is a column's type, in words that every warehouse has.
type Type int

// The types of columns.
const (
	Text Type = iota
	Integer
	Boolean
	Timestamp // with microseconds, in UTC
	JSON
)

// A Column is one column of the table of events.
type Column struct {
	Name string
	Type Type
	// Required columns are never NULL.
	Required bool
	// About is the column's description in the warehouse.
	About string
}
