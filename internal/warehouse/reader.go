package warehouse

import (
	"context"
	"fmt"
	"iter"
)

// A Reader runs queries on a warehouse. Implementations pass the suite of package
// warehousetest.
type Reader interface {
	// Query runs one statement that reads, in the dialect of the warehouse. Names need
	// no schema, and the time zone is UTC. The warehouse itself refuses statements that
	// write, change settings or reach other files. The error contains a MissingNameError
	// when the warehouse lacks a table, a view or a column.
	//
	// Query returns when the first rows are there; the other rows arrive while the
	// caller reads. The next Query ends the rows of the Query before. When ctx ends, the
	// reader closes, even if the caller reads no further: a DuckDB file is free again.
	Query(ctx context.Context, statement string) (*Rows, error)
	// Close ends the rows, and releases files and connections.
	Close() error
}

// A Dialect names the SQL of a warehouse.
type Dialect string

// The dialects. A folder of Parquet files has DuckDB's.
const (
	DuckDBSQL Dialect = "duckdb"
	GoogleSQL Dialect = "googlesql"
)

// An Estimator is a Reader of a warehouse that charges for the bytes that a query reads.
type Estimator interface {
	Reader
	// Estimate returns what the statement would cost at most. Estimate is free, runs
	// nothing, and returns the errors of a Query that fails before its first row.
	Estimate(ctx context.Context, statement string) (Estimate, error)
}

// An Estimate is the upper bound of what a query reads, and its price. Results from the
// warehouse's cache are free.
type Estimate struct {
	Bytes   int64   `json:"bytes"`
	Dollars float64 `json:"dollars"`
}

// String returns a text such as "1.5 GiB, 0.0092 dollars".
func (e Estimate) String() string {
	return fmt.Sprintf("%s, %.2g dollars", Size(e.Bytes), e.Dollars)
}

// Size returns a number of bytes for people, such as "1.5 GiB".
func Size(bytes int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	n := float64(bytes)
	for n >= 1024 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return fmt.Sprintf("%.4g %s", n, units[0])
}

// Rows are the rows of a query, in the order of the query. Readers show one value in one
// form: an integer is an int64, a float a float64, a TIMESTAMP a time.Time, JSON a
// json.RawMessage, a longer number and a DECIMAL a json.Number, a list a []any, a struct
// or a map a map[string]any, NULL is nil, and a value of another type a string.
type Rows struct {
	Columns []string
	// Each yields each row once, or an error as the last element. A row is the
	// caller's.
	Each iter.Seq2[[]any, error]
}

// A MissingNameError reports a table, a view or a column that the warehouse does not have,
// because the statement is wrong or the views are of an older release.
type MissingNameError struct{ Err error }

func (e *MissingNameError) Error() string { return e.Err.Error() }
func (e *MissingNameError) Unwrap() error { return e.Err }

// ReadTable runs a query with few rows and returns all of them.
func ReadTable(ctx context.Context, r Reader, statement string) (*Table, error) {
	rows, err := r.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	t := &Table{Columns: rows.Columns, Rows: [][]any{}}
	for row, err := range rows.Each {
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}
