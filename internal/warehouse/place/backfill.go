package place

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// A Backfilling configures Backfill.
type Backfilling struct {
	// Grace is the time for which replaced Parquet files stay: see Compaction.Grace.
	// Default 0; cioctl passes 30 s.
	Grace time.Duration
	// Progress is called at the beginning and after each step with the number of steps
	// that are done: rows of DuckDB, days of Parquet. Default nil.
	Progress func(done, total int)
}

// Backfilled is the result of Backfill.
type Backfilled struct {
	// Rows counts the rows whose new columns were computed. Skipped counts the rows that
	// were erased, or whose payload is not an event.
	Rows    int64 `json:"rows"`
	Skipped int64 `json:"skipped"`
	// Note says why Backfill has changed nothing, or what the operator has to do.
	Note string `json:"note,omitempty"`
	// SQL is the statement that the operator has to run.
	SQL string `json:"sql,omitempty"`
}

func (d duckDB) Backfill(ctx context.Context, b Backfilling) (Backfilled, error) {
	filled, err := duckdb.Backfill(ctx, duckdb.Backfilling{Path: string(d), Log: zerolog.Nop(), Progress: b.Progress})
	return Backfilled{Rows: filled.Rows, Skipped: filled.Skipped}, err
}

func (f folder) Backfill(ctx context.Context, b Backfilling) (Backfilled, error) {
	if err := f.check(); err != nil {
		return Backfilled{}, err
	}
	filled, err := parquet.Backfill(ctx, parquet.Backfilling{Dir: string(f), Grace: b.Grace, Progress: b.Progress})
	return Backfilled{Rows: filled.Rows, Skipped: filled.Skipped}, err
}

func (d dataset) Backfill(context.Context, Backfilling) (Backfilled, error) {
	return Backfilled{
		Note: "Run this script in BigQuery's console after the last older worker has stopped.",
		SQL:  bigquery.Backfill(d.Project, d.Dataset),
	}, nil
}
