package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Query runs one statement on the database file at path and returns all rows. While a
// worker has the file, Query waits for its turn until ctx ends. DuckDB looks up names
// without a schema in "messaging" first.
func Query(ctx context.Context, path, statement string) (*warehouse.Table, error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	table, err := warehouse.ReadTable(ctx, r, statement)
	return table, errors.Join(err, r.Close())
}

// OpenReader opens the database file at path for reading, and waits for its turn as Query
// does. Nobody writes to the file while the Reader has it open, so all queries see the
// same events. Close the Reader soon: a worker waits meanwhile.
func OpenReader(ctx context.Context, path string) (*Reader, error) { return openReader(ctx, path, 1) }

func openReader(ctx context.Context, path string, threads int) (*Reader, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open database: %s: %w: a worker creates the file when it starts", path, fs.ErrNotExist)
	}
	l, err := takeLease(ctx, path, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	return newReader(ctx, &Reader{lease: l, path: path, threads: threads, setup: "SET search_path = '" + warehouse.DefaultSchema + ",main'"})
}

// OpenFolder opens an empty database in memory and runs the script, which creates views
// over files below the folder dir. Queries can read no other files.
func OpenFolder(ctx context.Context, dir, script string) (*Reader, error) {
	return newReader(ctx, &Reader{dir: dir, setup: script})
}
