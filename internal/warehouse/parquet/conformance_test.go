package parquet_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/parquet"
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
	warehousetest.Views(t, f, f.rows)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	warehousetest.Notes(t, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return newFolder(t)
	}, func(t *testing.T, w warehousetest.Warehouse, table string, columns []string) [][]any {
		t.Helper()
		_, rows := w.(folder).Query(t, "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
		return rows
	})
}

// A folder of an older release has no files of names and settings.
func TestNotesOfOlderFolder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	older(t, f)
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), parquet.Views(f.dir)); err != nil {
		t.Fatal(err)
	}
	if _, rows := ask(t, db, "SELECT workspace, source, source_id, action_id, content_id, name, updated_at FROM customerio_names"); len(rows) != 0 {
		t.Errorf("names are %v; want none", rows)
	}
	if _, rows := ask(t, db, "SELECT timezone FROM customerio_settings"); len(rows) != 1 || rows[0][0] != "UTC" {
		t.Errorf("settings are %v; want one row with UTC", rows)
	}
}

// The views equal a count in Go of simulated events of all kinds.
func TestViewsAreRecounted(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Recount(t, f, warehousetest.MixedRows(4000, 7), f.rows)
}

func TestViewsOfASimulation(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.Simulated(t, f, warehousetest.Simulation(), f.rows)
}

func (f folder) rows(t *testing.T, statement string) [][]any {
	t.Helper()
	_, rows := f.Query(t, statement)
	return rows
}

func TestNumbersOfHealthViews(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	warehousetest.HealthViews(t, f, f.rows)
}
