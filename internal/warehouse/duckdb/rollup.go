package duckdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/cioevents/cioevents/internal/warehouse"
)

const rollupTable = warehouse.DefaultSchema + "." + warehouse.Rollup

// rollupMemory is the limit of DuckDB's buffers for a rollup, as for a reader's query with
// many groups. More than this goes to temporary files.
const rollupMemory = "512MB"

// Rollup replaces the days of the table of the rollup in one transaction, and returns the
// number of new rows. The file has the tables and views of this release. While a worker has
// the file, Rollup waits for its turn until ctx ends, and then the worker waits.
func Rollup(ctx context.Context, cfg Config, days warehouse.Days) (rows int64, err error) {
	f, err := openFile(ctx, cfg.Path, url.Values{"memory_limit": {rollupMemory}}, cfg.Log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.close()) }() // without a COMMIT, nothing has changed
	if err := f.exec(ctx, "BEGIN", "DELETE FROM "+rollupTable+" WHERE "+days.Within("day")); err != nil {
		return 0, err
	}
	//nolint:gosec // days are numbers
	done, err := f.conn.ExecContext(ctx, "INSERT INTO "+rollupTable+"\n"+
		warehouse.RollupSQL(warehouse.DefaultSchema+"."+days.Of(warehouse.Deliveries)))
	if err != nil {
		return 0, fmt.Errorf("roll up: %w", err)
	}
	if rows, err = done.RowsAffected(); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return rows, f.exec(ctx, "COMMIT")
}
