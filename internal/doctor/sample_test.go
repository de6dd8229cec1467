package doctor_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// The event may come before the worker that creates the file.
func TestAwaitRowBeforeTheWorker(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("duckdb:" + filepath.Join(t.TempDir(), "events.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	id, body := doctor.Sample(time.Now())
	found := make(chan error, 1)
	go func() { found <- doctor.AwaitRow(t.Context(), []place.Place{p}, id) }()
	select {
	case err := <-found:
		t.Fatalf("AwaitRow before the file exists = %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	var row warehouse.Row
	if err := row.Parse(body, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, []warehouse.Row{row})
	if err := <-found; err != nil {
		t.Errorf("AwaitRow = %v", err)
	}
}

// AwaitRow asks every second, and BigQuery charges for each question.
func TestAwaitRowIsFree(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("bigquery://my-project")
	if err != nil {
		t.Fatal(err)
	}
	if err := doctor.AwaitRow(t.Context(), []place.Place{p}, "x"); !errors.Is(err, doctor.ErrCharges) {
		t.Errorf("AwaitRow on BigQuery = %v; want ErrCharges", err)
	}
}
