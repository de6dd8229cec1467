package workerapp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/internal/worker"
)

// NewSink returns the warehouse that a URL names, which it does not look for:
// duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET.
func NewSink(url string, log zerolog.Logger) (warehouse.Sink, error) {
	scheme, path, _ := strings.Cut(url, ":")
	switch {
	case !slices.Contains([]string{"duckdb", "parquet", "bigquery"}, scheme):
		return nil, fmt.Errorf("%q is not of the form duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET", url)
	case path == "":
		return nil, fmt.Errorf("%q names no place", url)
	case scheme == "duckdb":
		return duckdb.New(duckdb.Config{Path: path, Log: log})
	case scheme == "parquet":
		return parquet.New(parquet.Config{Dir: path})
	}
	cfg, err := bigquery.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", url, err)
	}
	cfg.Log = log
	return bigquery.New(cfg)
}

func (a *App) wireWarehouses() error {
	for i, url := range a.cfg.Warehouses {
		name := warehouseConsumer(i, url)
		sink, err := NewSink(url, a.log)
		if err != nil {
			return fmt.Errorf("WAREHOUSE_URL: %w", err)
		}
		rows := worker.NewRows(name, sink, a.metrics)
		a.sinks, a.rows = append(a.sinks, sink), append(a.rows, rows)
		limits := warehouseLimits
		limits.Messages = a.cfg.BatchRows
		a.jobs = append(a.jobs, job{
			name: name, subjects: []string{stream.AllEvents}, limits: limits, loops: 2,
			handler: rows,
		})
	}
	return nil
}

// warehouseConsumer is the name of the consumer that writes to the warehouse in
// place i. The first keeps its place in the stream when another is added.
func warehouseConsumer(i int, url string) string {
	scheme, _, _ := strings.Cut(url, ":")
	if i == 0 {
		return Warehouse
	}
	return Warehouse + "-" + scheme
}

// CheckWarehouses returns what is wrong with the warehouses.
func CheckWarehouses(urls []string) error {
	if len(urls) == 0 {
		return errors.New("WAREHOUSE_URL: is empty")
	}
	var mistakes []error
	seen := map[string]bool{}
	for i, url := range urls {
		if _, err := NewSink(url, zerolog.Nop()); err != nil {
			mistakes = append(mistakes, fmt.Errorf("WAREHOUSE_URL: %w", err))
		}
		name := warehouseConsumer(i, url)
		if seen[name] { // they would share one consumer, and each get a part of the rows
			mistakes = append(mistakes, fmt.Errorf("WAREHOUSE_URL: %q is one too many of its kind: besides the first, one of each", url))
		}
		seen[name] = true
	}
	return errors.Join(mistakes...)
}
