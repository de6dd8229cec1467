package report_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Events count in the minute in which they arrived, however late they are.
func TestMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, time.October, 2, 12, 30, 30, 0, time.UTC)
	var list []warehouse.Row
	add := func(id string, metric webhook.Metric, ago, late time.Duration) {
		e := webhook.Event{ID: id, Metric: metric, ObjectType: webhook.Email, OccurredAt: now.Add(-ago - late), Raw: []byte("{}")}
		list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: now.Add(-ago)}))
	}
	add("a", webhook.Opened, time.Minute, 0)
	add("b", webhook.Opened, 70*time.Second, 7*24*time.Hour)
	add("c", "", time.Minute, 0)
	add("d", webhook.Clicked, 30*time.Minute, time.Second)
	add("e", webhook.Clicked, 32*time.Minute, 0)
	at := func(minute int) time.Time { return time.Date(2025, time.October, 2, 12, minute, 0, 0, time.UTC) }
	want := []report.Minute{{at(0), "clicked", 1}, {at(29), "", 1}, {at(29), "opened", 2}}
	for name, reader := range readersOf(t, list) {
		got, err := report.Minutes(t.Context(), report.Config{Reader: reader, Now: now}, 30*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// BenchmarkMinutes reads the last hour of a DuckDB file, as the console's overview does at
// each refresh: opening, query and closing. CIOEVENTS_TEST_EVENTS is the number of events.
func BenchmarkMinutes(b *testing.B) {
	path, now := benchmarkFile(b)
	for b.Loop() {
		r, err := duckdb.OpenReader(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		list, err := report.Minutes(b.Context(), report.Config{Reader: r, Now: now}, time.Hour)
		if err := errors.Join(err, r.Close()); err != nil || len(list) == 0 {
			b.Fatal(len(list), err)
		}
	}
}

// benchmarkFile returns a DuckDB file of CIOEVENTS_TEST_EVENTS events, 20 of each person,
// and the time of the last one.
func benchmarkFile(b *testing.B) (path string, now time.Time) {
	b.Helper()
	n := 1_000_000
	if text := os.Getenv("CIOEVENTS_TEST_EVENTS"); text != "" { //nolint:forbidigo // a setting of tests
		n, _ = strconv.Atoi(text)
	}
	path = filepath.Join(b.TempDir(), "events.duckdb")
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	warehousetest.Fill(b, sink)
	db, err := sql.Open("duckdb", path)
	if err != nil {
		b.Fatal(err)
	}
	_, err = db.ExecContext(b.Context(), fmt.Sprintf(`INSERT INTO messaging.customerio_events (event_id, workspace, metric, object_type, received_at, timestamp, customer_id, identifier_email, recipient, payload)
		SELECT 'event-' || i, 'default', ['sent', 'delivered', 'opened', 'clicked'][1 + i %% 4], 'email', t, t, 'u-' || p, 'person-' || p || '@example.com', 'person-' || p || '@example.com', '{"event_id":"event-' || i || '"}'
		FROM (SELECT i, i %% greatest(1, %[1]d // 20) AS p, TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL 1 SECOND * (i / 4) AS t FROM range(%[1]d) r(i))`, n))
	if err := errors.Join(err, db.Close()); err != nil {
		b.Fatal(err)
	}
	return path, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n/4) * time.Second)
}
