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

// Query runs one statement on the database file at path, which it can only
// read. It takes its turn when a worker has the file, and waits for that until
// ctx ends. Names without a schema are looked for in "messaging" first.
func Query(ctx context.Context, path, statement string) (*warehouse.Table, error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	table, err := r.Query(ctx, statement)
	return table, errors.Join(err, r.Close())
}

// A Reader runs several queries, between which nobody writes to its file: they
// see the same events. A worker waits meanwhile, so it is closed soon.
type Reader struct{ file *file }

// OpenReader is for the database file at path, and waits for it as Query does.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database at %s yet: a worker creates it when it starts", path)
	}
	f, err := openFile(ctx, path, url.Values{"access_mode": {"READ_ONLY"}}, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	return newReader(ctx, f, "SET search_path = '"+warehouse.DefaultSchema+",main'")
}

// OpenScript is for files that are no database: it runs the script, which makes
// views over them, in a new database in memory. Statements are not kept from
// files: COPY … TO writes them with the rights of the process.
func OpenScript(ctx context.Context, script string) (*Reader, error) {
	f := &file{lease: &lease{}} // there is nobody to take turns with
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

// Query runs one statement.
func (r *Reader) Query(ctx context.Context, statement string) (*warehouse.Table, error) {
	rows, err := r.file.conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
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

// Close gives the file back.
func (r *Reader) Close() error { return r.file.close() }
