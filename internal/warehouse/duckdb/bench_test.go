package duckdb_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// BenchmarkWrite writes batches of 5,000 rows of a campaign; rows/s is the
// figure to look at.
func BenchmarkWrite(b *testing.B) {
	sink, err := duckdb.New(duckdb.Config{Path: filepath.Join(b.TempDir(), "bench.duckdb")})
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	const size = 5000
	var batches [][]warehouse.Row
	var rows []warehouse.Row
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: b.N*size/2 + size}).Events() {
		e, err := webhook.Parse(body)
		if err != nil {
			b.Fatal(err)
		}
		rows = append(rows, warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: time.Unix(1_760_000_000, 0)}))
		if len(rows) == size {
			batches, rows = append(batches, rows), nil
			if len(batches) == b.N {
				break
			}
		}
	}
	b.ResetTimer()
	for _, batch := range batches {
		result, err := sink.Write(b.Context(), batch)
		if err != nil || result.Inserted != size {
			b.Fatal(result, err)
		}
	}
	b.ReportMetric(float64(len(batches)*size)/b.Elapsed().Seconds(), "rows/s")
}
