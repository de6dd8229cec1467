package place_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// The fake BigQuery runs the rollup with DuckDB's query of deliveries.
func TestRollup(t *testing.T) {
	t.Parallel()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	for _, url := range []string{
		"duckdb:" + filepath.Join(t.TempDir(), "e.duckdb"), "parquet:" + filepath.Join(t.TempDir(), "events"),
		"bigquery://proj?rest=" + server.RESTEndpoint() + "&grpc=" + server.GRPCEndpoint(),
	} {
		p, err := place.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(p.Scheme, func(t *testing.T) {
			t.Parallel()
			warehousetest.Rollups(t, storeOf(p))
		})
	}
}

func storeOf(p place.Place) warehousetest.RollupStore {
	return warehousetest.RollupStore{
		Sink: func(t *testing.T) warehouse.Sink {
			t.Helper()
			sink, err := p.Sink(zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			return sink
		},
		RollUp: func(t *testing.T, days warehouse.Days) int64 {
			t.Helper()
			done, err := p.Rollup(t.Context(), place.Rolling{Days: func(time.Time) (warehouse.Days, error) { return days, nil }})
			if err != nil {
				t.Fatal(err)
			}
			return done.Rows
		},
		Query: func(t *testing.T, sql string) [][]any {
			t.Helper()
			r, err := p.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			table, err := warehouse.ReadTable(t.Context(), r, sql)
			if err != nil {
				t.Fatal(err)
			}
			return table.Rows
		},
	}
}
