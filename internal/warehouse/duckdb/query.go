package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Query runs one statement on the database file at path, which is opened for reading
// only. While a worker has the file, Query waits for its turn until ctx ends. DuckDB
// looks up names without a schema in "messaging" first.
func Query(ctx context.Context, path, statement string) (*warehouse.Table, error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	table, err := r.Query(ctx, statement)
	return table, errors.Join(err, r.Close())
}

// A Reader runs queries. Nobody writes to the file while a Reader has it open, so
// all queries see the same events. Close the Reader soon: a worker waits meanwhile.
type Reader struct{ file *file }

// OpenReader opens the database file at path, and waits for its turn as Query does.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open database: %s does not exist: a worker creates the file when it starts", path)
	}
	f, err := openFile(ctx, path, url.Values{"access_mode": {"READ_ONLY"}}, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	return newReader(ctx, f, "SET search_path = '"+warehouse.DefaultSchema+",main'")
}

// OpenScript opens an empty database in memory and runs the script, which creates
// views over files in other formats. Statements may write files: COPY … TO has the
// rights of the process.
func OpenScript(ctx context.Context, script string) (*Reader, error) {
	f := &file{lease: &lease{}} // a database in memory needs no lease
	if err := f.connect(ctx, "", zerolog.Nop()); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return newReader(ctx, f, script)
}

func newReader(ctx context.Context, f *file, setup string) (*Reader, error) {
	if err := f.exec(ctx, setup); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return &Reader{f}, nil
}

// Query runs a statement and returns the rows. The error contains a MissingNameError if
// the warehouse lacks a view or a column.
func (r *Reader) Query(ctx context.Context, statement string) (*warehouse.Table, error) {
	rows, err := r.file.conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("query: %w", missingName(err))
	}
	defer rows.Close()
	t, err := tableOf(rows)
	if err := errors.Join(err, rows.Err()); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return t, nil
}

func tableOf(rows *sql.Rows) (*warehouse.Table, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	t := &warehouse.Table{Rows: [][]any{}}
	for _, c := range types {
		t.Columns = append(t.Columns, c.Name())
	}
	for rows.Next() {
		values := make([]any, len(types))
		targets := make([]any, len(types))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i := range values {
			values[i] = plain(types[i].DatabaseTypeName(), values[i])
		}
		t.Rows = append(t.Rows, values)
	}
	return t, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.close() }
