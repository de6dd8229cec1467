package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// A destination is an empty warehouse.
type destination struct {
	name string
	url  string // for WAREHOUSE_URL
	// rows says how many have arrived, when the worker has ended.
	rows func(context.Context) (string, error)
	// process is what stands in for a service, nil when there is none.
	process *child
}

func (d *destination) stop() {
	if d.process != nil {
		d.process.stop()
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

// countFiles counts what is in the files, repeats included.
func countFiles(ctx context.Context, dir string) (string, error) {
	r, err := duckdb.OpenScript(ctx, "SET TimeZone = 'UTC'")
	if err != nil {
		return "", err
	}
	return countWith(ctx, r, "read_parquet('"+filepath.Join(dir, warehouse.Events, "*", "*.parquet")+"')")
}

func countWith(ctx context.Context, r *duckdb.Reader, from string) (string, error) {
	t, err := r.Query(ctx, "SELECT count(*) FROM "+from)
	if err := errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	return fmt.Sprint(t.Rows[0][0]), nil
}

const (
	project = "bench"
	dataset = warehouse.DefaultSchema
)

// newBigQuery starts a stand-in that counts rows and does not look at them: what
// is measured is the worker, not BigQuery.
func newBigQuery(ctx context.Context) (destination, error) {
	process, err := startSelf(ctx, "bigquery")
	if err != nil {
		return destination{}, err
	}
	grpc, rest, _ := strings.Cut(process.addr, " ")
	return destination{
		name: "BigQuery", url: bigQueryURL(grpc, rest), process: process,
		rows: func(context.Context) (string, error) { return process.lastWords(), nil },
	}, nil
}

// bigQueryURL names a stand-in.
func bigQueryURL(grpc, rest string) string {
	query := url.Values{"grpc": {grpc}, "rest": {rest}}
	return "bigquery://" + project + "/" + dataset + "?" + query.Encode()
}

// runBigQuery says what it has counted when it ends.
func runBigQuery(ctx context.Context) error {
	server, err := bigqueryfake.Start(bigqueryfake.Config{Discard: true})
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Println(server.GRPCEndpoint(), server.RESTEndpoint())
	<-ctx.Done()
	fmt.Println(server.Len(project, dataset, bigquery.Raw))
	return nil
}
