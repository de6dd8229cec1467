package duckdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

var missingTable = regexp.MustCompile(`^Catalog Error: Table with name (.*) does not exist!`)

var errClosed = errors.New("reader is closed, or another query has begun")

// explain returns DuckDB's error of a query in our words, where DuckDB's own words name
// settings and tables that an operator has never seen.
func (r *Reader) explain(ctx context.Context, s *session, err error) error {
	text := err.Error()
	table := missingTable.FindStringSubmatch(text)
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case table != nil:
		err = &warehouse.MissingNameError{Err: fmt.Errorf("no table or view %s: the warehouse has %s", table[1], s.tables())}
	case strings.HasPrefix(text, "Catalog Error"), strings.HasPrefix(text, "Binder Error"):
		err = &warehouse.MissingNameError{Err: err}
	case strings.HasPrefix(text, "Permission Error"):
		err = fmt.Errorf("a query reads only the warehouse, and no other files, servers or extensions: %w", err)
	case outOfMemory(err):
		err = fmt.Errorf("DuckDB's memory limit of %s is too small for the query: select fewer days or columns, or leave out the order: %w", r.limits()[r.limit], err)
	}
	return fmt.Errorf("query: %w", err)
}
