package place

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// kinds has the schemes of URLs. Each function gets the whole URL, and the part after
// the colon.
var kinds = map[string]func(url, path string) (kind, error){
	"duckdb":   func(_, path string) (kind, error) { return duckDB(path), nil },
	"parquet":  func(_, path string) (kind, error) { return folder(path), nil },
	"bigquery": parseBigQuery,
}

// A Compaction says which days to compact. Compact sets Compaction.Dir.
type Compaction = parquet.Compaction

// Compacted is the result of Compact.
type Compacted struct {
	// Merged counts the merged files, nil for DuckDB and BigQuery.
	*parquet.Merged
	// Note says why Compact has changed nothing, or what the operator has to do.
	Note string `json:"note,omitempty"`
	// SQL is the statement that the operator has to run.
	SQL string `json:"sql,omitempty"`
}

// onThisHost names the host and the whole path of a file or a folder.
func onThisHost(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return host + ":" + path
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// duckDB is the path of a database file.
type duckDB string

func (d duckDB) Sink(log zerolog.Logger) (Sink, error) {
	return duckdb.New(duckdb.Config{Path: string(d), Log: log})
}

func (d duckDB) Missing() bool { return isMissing(string(d)) }

func (d duckDB) Where() string { return "duckdb " + onThisHost(string(d)) }

func (d duckDB) Reader(ctx context.Context) (warehouse.Reader, error) {
	return duckdb.OpenReader(ctx, string(d))
}

func (d duckDB) Scan(ctx context.Context) (warehouse.Reader, []string, error) {
	r, err := d.Reader(ctx)
	return r, []string{d.Rows()}, err
}

func (duckDB) Dialect() warehouse.Dialect { return warehouse.DuckDBSQL }

func (duckDB) Schema() string { return warehouse.DefaultSchema }

func (duckDB) Rows() string { return warehouse.Events }

func (duckDB) Charges() bool { return false }

func (duckDB) ReplacesFiles() bool { return false }

func (d duckDB) Statements() []string { return duckdb.Statements() }

func (d duckDB) Compact(context.Context, Compaction) (Compacted, error) {
	return Compacted{Note: "stores each event once already, so there is nothing to compact"}, nil
}

// folder is the path of a folder of Parquet files.
type folder string

func (f folder) Sink(zerolog.Logger) (Sink, error) {
	return parquet.New(parquet.Config{Dir: string(f)})
}

func (f folder) Missing() bool { return isMissing(string(f)) }

func (f folder) Where() string { return "parquet " + onThisHost(string(f)) }

func (f folder) Reader(ctx context.Context) (warehouse.Reader, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return duckdb.OpenFolder(ctx, string(f), parquet.Views(string(f)))
}

func (f folder) Scan(ctx context.Context) (warehouse.Reader, []string, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	parts, err := parquet.Parts(string(f))
	if err != nil {
		return nil, nil, err
	}
	r, err := duckdb.OpenFolder(ctx, string(f), "SET enable_external_file_cache = false") // each byte is read once
	return r, parts, err
}

func (folder) Dialect() warehouse.Dialect { return warehouse.DuckDBSQL }

func (folder) Schema() string { return warehouse.DefaultSchema }

func (folder) Rows() string { return duckdbsql.Raw }

func (folder) Charges() bool { return false }

func (folder) ReplacesFiles() bool { return true }

func (f folder) Statements() []string { return []string{parquet.Views(string(f))} }

func (f folder) Compact(ctx context.Context, c Compaction) (Compacted, error) {
	if err := f.check(); err != nil {
		return Compacted{}, err
	}
	c.Dir = string(f)
	merged, err := parquet.Compact(ctx, c)
	return Compacted{Merged: &merged}, err
}

// check returns an error when the folder is not a Parquet warehouse yet.
func (f folder) check() error {
	if _, err := os.Stat(filepath.Join(string(f), warehouse.Events)); err != nil {
		return fmt.Errorf("open folder: %s has no events: a worker creates the folder when it starts", string(f))
	}
	return nil
}

// dataset is a dataset of BigQuery.
type dataset bigquery.Config

func parseBigQuery(url, _ string) (kind, error) {
	cfg, err := bigquery.ParseURL(url)
	cfg.Dataset = cmp.Or(cfg.Dataset, warehouse.DefaultSchema)
	return dataset(cfg), err
}

func (d dataset) Sink(log zerolog.Logger) (Sink, error) {
	d.Log = log
	return bigquery.New(bigquery.Config(d))
}

func (dataset) Missing() bool { return false }

func (d dataset) Where() string { return "bigquery " + d.Project + "." + d.Dataset }

func (d dataset) Reader(ctx context.Context) (warehouse.Reader, error) {
	return bigquery.OpenReader(ctx, bigquery.Config(d))
}

func (d dataset) Scan(ctx context.Context) (warehouse.Reader, []string, error) {
	r, err := d.Reader(ctx)
	return r, []string{d.Rows()}, err
}

func (dataset) Dialect() warehouse.Dialect { return warehouse.GoogleSQL }

func (d dataset) Schema() string { return d.Dataset }

func (dataset) Rows() string { return bigquery.Raw }

func (dataset) Charges() bool { return true }

func (dataset) ReplacesFiles() bool { return false }

func (d dataset) Statements() []string { return bigquery.Statements(d.Project, d.Dataset, d.Location) }

func (d dataset) Compact(_ context.Context, c Compaction) (Compacted, error) {
	day := c.Before.UTC().AddDate(0, 0, -1)
	return Compacted{
		Note: "Run this statement for each day, for instance as a daily scheduled query. It compacts " + day.Format(time.DateOnly) + ".",
		SQL:  bigquery.CompactDay(d.Project, d.Dataset, day),
	}, nil
}
