package place

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// A Rewriting configures Rewrite. DuckDB and Parquet need Change, BigQuery needs Set and
// Where.
type Rewriting struct {
	// Change may change the Personal columns and the payload (Raw) of a row, and reports
	// whether it has. Of the other columns the row has workspace, event_id, metric,
	// object_type, timestamp, recipient_domain, mailbox_provider, bounce_class and
	// erased_at. Rewrite may call Change several times with the same row.
	Change func(*warehouse.Row) bool
	// Set has the GoogleSQL of new values by the names of columns, and Where the condition
	// of the rows. BigQuery keeps the text of statements: a key must not be part of it.
	Set   map[string]string
	Where string
	// Grace is the time for which replaced Parquet files stay: see Compaction.Grace.
	// Default 0; cioctl passes 30 s.
	Grace time.Duration
	// Progress is called at the beginning and after each step with the number of steps
	// that are done: rows of DuckDB, days of Parquet, statements of BigQuery. Default nil.
	Progress func(done, total int64)
}

func (d duckDB) People(key *privacy.Key, _ time.Duration) (privacy.Store, error) {
	return &duckdb.People{Path: string(d), Key: key, Log: zerolog.Nop()}, nil
}

func (d duckDB) Rewrite(ctx context.Context, r Rewriting) (privacy.Erased, error) {
	return duckdb.Rewrite(ctx, duckdb.Rewriting{Path: string(d), Log: zerolog.Nop(), Change: r.Change, Progress: r.Progress})
}

func (f folder) People(key *privacy.Key, grace time.Duration) (privacy.Store, error) {
	return &parquet.People{Dir: string(f), Key: key, Grace: grace}, f.check()
}

func (f folder) Rewrite(ctx context.Context, r Rewriting) (privacy.Erased, error) {
	if err := f.check(); err != nil {
		return privacy.Erased{}, err
	}
	return parquet.Rewrite(ctx, parquet.Rewriting{Dir: string(f), Change: r.Change, Grace: r.Grace, Progress: r.Progress})
}

func (d dataset) People(key *privacy.Key, _ time.Duration) (privacy.Store, error) {
	return &bigquery.People{Config: bigquery.Config(d), Key: key}, nil
}

// Rewrite runs r.Set and r.Where as SQL.
func (d dataset) Rewrite(ctx context.Context, r Rewriting) (privacy.Erased, error) {
	return bigquery.Rewrite(ctx, bigquery.Rewriting{Config: bigquery.Config(d), Set: r.Set, Where: r.Where, Progress: r.Progress})
}
