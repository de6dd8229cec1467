package duckdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// people is a database file, as the suite knows a store.
type people struct{ place }

func (p people) Store(*testing.T) privacy.Store { return &duckdb.People{Path: p.path} }

func (p people) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	warehousetest.Fill(t, p.Sink(t), rowsOf(t, events))
}

// rowsOf returns the rows that a worker makes of the suite's events.
func rowsOf(t *testing.T, events []privacytest.Event) []warehouse.Row {
	t.Helper()
	rows := make([]warehouse.Row, len(events))
	for i, e := range events {
		if err := rows[i].Parse(e.Body, warehouse.Origin{EventID: e.ID, Workspace: e.Workspace, ReceivedAt: e.At}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func (p people) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	events := map[privacytest.Key]string{}
	for _, row := range p.place.Read(t) {
		metric, _ := row["metric"].(string)
		events[privacytest.Key{Workspace: row["workspace"].(string), ID: row["event_id"].(string), Metric: webhook.Metric(metric)}] = fmt.Sprint(row)
	}
	return events
}

func TestPeople(t *testing.T) {
	t.Parallel()
	privacytest.Run(t, privacytest.Features{}, func(t *testing.T) privacytest.Place {
		t.Helper()
		return people{place{filepath.Join(t.TempDir(), "e.duckdb")}}
	})
}

// A search and an erasure do not create a file.
func TestPeopleWithoutFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	store := &duckdb.People{Path: path}
	_, found := store.Find(t.Context(), nil)
	_, erased := store.Erase(t.Context(), nil, privacy.EraseOptions{})
	if _, err := os.Stat(path); found == nil || erased == nil || err == nil {
		t.Errorf("Find: %v, Erase: %v, file: %v", found, erased, err)
	}
}

func TestViewsAfterErasure(t *testing.T) {
	t.Parallel()
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Erasures(t, p, warehousetest.MixedRows(4000, 7), p.query, &duckdb.People{Path: p.path})
}
