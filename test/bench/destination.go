package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/test/lab"
)

// A destination is an empty warehouse.
type destination struct {
	name string
	url  string // the value of WAREHOUSE_URL
	// rows returns the number of rows. The worker must have ended.
	rows func(context.Context) (string, error)
	// process is the stand-in for a service, nil without a service.
	process *lab.Process
}

func (d *destination) stop() {
	if d.process != nil {
		d.process.Stop()
	}
}

func newDestination(ctx context.Context, name, dir string) (destination, error) {
	switch name {
	case "duckdb":
		path := filepath.Join(dir, "bench.duckdb")
		return destination{name: "DuckDB", url: "duckdb:" + path, rows: func(ctx context.Context) (string, error) {
			return count(ctx, path, warehouse.Events)
		}}, nil
	case "parquet":
		path := filepath.Join(dir, "parquet")
		return destination{name: "Parquet", url: "parquet:" + path, rows: func(ctx context.Context) (string, error) {
			return countFiles(ctx, path)
		}}, nil
	default:
		return newBigQuery(ctx)
	}
}

func count(ctx context.Context, path, from string) (string, error) {
	r, err := duckdb.OpenReader(ctx, path)
	if err != nil {
		return "", err
	}
	return countWith(ctx, r, from)
}

// countFiles counts the rows in the files, repeated rows included.
func countFiles(ctx context.Context, dir string) (string, error) {
	r, err := duckdb.OpenFolder(ctx, dir, "")
	if err != nil {
		return "", err
	}
	return countWith(ctx, r, "read_parquet('"+filepath.Join(dir, warehouse.Events, "*", "*.parquet")+"')")
}

func countWith(ctx context.Context, r *duckdb.Reader, from string) (string, error) {
	t, err := warehouse.ReadTable(ctx, r, "SELECT count(*) FROM "+from)
	if err := errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	return fmt.Sprint(t.Rows[0][0]), nil
}

// newBigQuery starts a stand-in for BigQuery in a process of its own.
func newBigQuery(ctx context.Context) (destination, error) {
	grpc, rest := lab.FreeAddr(), lab.FreeAddr()
	var printed bytes.Buffer
	process, err := startRole(ctx, &printed, bigQueryRole, grpc, rest)
	if err != nil {
		return destination{}, err
	}
	return destination{
		name: "BigQuery", url: lab.BigQueryURL(grpc, "http://"+rest+"/bigquery/v2/"), process: process,
		rows: func(context.Context) (string, error) {
			process.Stop()
			return strings.TrimSpace(printed.String()), nil
		},
	}, nil
}
