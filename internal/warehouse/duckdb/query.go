package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Table is the result of a query.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Query runs one statement on the database file at path, which it can only
// read. It takes its turn when a worker has the file, and waits for that until
// ctx ends. Names without a schema are looked for in "messaging" first.
func Query(ctx context.Context, path, statement string) (*Table, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database at %s yet: a worker creates it when it starts", path)
	}
	f, err := openFile(ctx, path, url.Values{"access_mode": {"READ_ONLY"}}, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	table, err := f.query(ctx, statement)
	return table, errors.Join(err, f.close())
}

func (f *file) query(ctx context.Context, statement string) (*Table, error) {
	if err := f.exec(ctx, "SET search_path = '"+warehouse.DefaultSchema+",main'"); err != nil {
		return nil, err
	}
	rows, err := f.conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	t := &Table{Rows: [][]any{}}
	if t.Columns, err = rows.Columns(); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	for rows.Next() {
		values := make([]any, len(t.Columns))
		targets := make([]any, len(t.Columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		t.Rows = append(t.Rows, values)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return t, nil
}
