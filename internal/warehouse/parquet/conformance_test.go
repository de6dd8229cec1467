package parquet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Features{Appends: true, Older: older}, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return newFolder(t)
	})
}

// older makes the folder that a worker of the first version has opened.
func older(t *testing.T, w warehousetest.Warehouse) {
	t.Helper()
	day := filepath.Join("customerio_events", "dt=1970-01-01")
	if err := os.CopyFS(filepath.Join(w.(folder).dir, day), os.DirFS(filepath.Join("testdata", "c826c92", day))); err != nil {
		t.Fatal(err)
	}
}

func TestNumbersOfViews(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Views(t, f, func(t *testing.T, statement string) [][]any {
		t.Helper()
		_, rows := f.Query(t, statement)
		return rows
	})
}
