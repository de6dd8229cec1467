package bigquery

import "github.com/cioevents/cioevents/internal/warehouse"

// NewWithColumns returns a sink that writes only the columns, as an older release does.
func NewWithColumns(cfg Config, columns []warehouse.Column) (*Sink, error) {
	s, err := New(cfg)
	if err == nil {
		s.columns = columns
	}
	return s, err
}
