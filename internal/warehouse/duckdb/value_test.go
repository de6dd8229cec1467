package duckdb_test

import "github.com/cioevents/cioevents/internal/warehouse"

// value is a row's value in a column as database/sql has it.
func value(c *warehouse.Column, r *warehouse.Row) any {
	switch c.Type {
	case warehouse.Integer:
		if v := c.Integer(r); v != 0 {
			return v
		}
	case warehouse.Boolean:
		if v := c.Boolean(r); v != nil {
			return *v
		}
	case warehouse.Timestamp:
		if v := c.Time(r); !v.IsZero() {
			return v
		}
	default:
		if v := c.Text(r); v != "" {
			return v
		}
	}
	return nil
}
