package parquet_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Features{Appends: true}, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return newFolder(t)
	})
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
