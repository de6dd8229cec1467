package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// attack is a failure message that must not become a part of a page.
const attack = `550 5.1.1 <script>alert(1)</script>`

// fill writes a campaign and a bounce to a new warehouse.
func fill(t *testing.T, url string) {
	t.Helper()
	rows := warehousetest.Rows(500)
	bounce, origin := rows[0].Event, rows[0].Origin
	bounce.Metric, bounce.FailureMessage, bounce.DeliveryID, origin.EventID = webhook.Bounced, attack, "attack", "attack"
	write(t, url, append(rows, warehouse.NewRow(&bounce, origin)))
}

func write(t *testing.T, url string, rows []warehouse.Row) {
	t.Helper()
	p, err := place.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, rows)
}

// warehouses are new ones of each kind that can be asked here.
func warehouses(t *testing.T) []string {
	t.Helper()
	return []string{"duckdb:" + filepath.Join(t.TempDir(), "e.duckdb"), "parquet:" + t.TempDir()}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, url := range warehouses(t) {
		s := &shell{t: t}
		fill(t, url)
		r := read[report.Report](s, "report", "--warehouse-url", url, "--days", "0")
		if len(r.Messages) == 0 || r.Messages[0].Sent == 0 || len(r.Days) == 0 || len(r.Bounces) == 0 || r.Source != url {
			t.Errorf("%s: %+v", url, r)
		}
		table := s.ok("report", "--warehouse-url", url, "--days", "0")
		for _, want := range []string{"EMAIL", "HEALTH", "hard bounces of sent", "MESSAGES", "DAYS", "BOUNCES", "LINKS", "TIMES", attack} {
			if !strings.Contains(table, want) {
				t.Errorf("%s: the tables have no %q", url, want)
			}
		}
		if r := read[report.Report](s, "report", "--warehouse-url", url, "--until", r.Days[0].Day, "--timezone", "Asia/Tokyo"); len(r.Days) == 0 || r.Since == "" || len(r.Links) == 0 || len(r.Latency) == 0 {
			t.Errorf("%s: the 30 days to the first: %+v", url, r)
		}
		if old := s.ok("report", "--warehouse-url", url, "--days", "1"); !strings.Contains(old, "--days 0 shows all days") {
			t.Errorf("%s: a report of today does not say where the events are:\n%s", url, old)
		}
		rows := read[[]map[string]any](s, "query", "--warehouse-url", url, "SELECT count(*) AS n FROM customerio_events")
		if len(rows) != 1 || rows[0]["n"] != 501.0 {
			t.Errorf("%s: query counts %v", url, rows)
		}
	}
}

func TestReportPage(t *testing.T) {
	t.Parallel()
	url := warehouses(t)[0]
	fill(t, url)
	path := filepath.Join(t.TempDir(), "report.html")
	(&shell{t: t}).ok("report", "--warehouse-url", url, "--days", "0", "--html", path)
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, want := range []string{"<!DOCTYPE html>", "<circle", `<rect class="bar"`, "&lt;script&gt;alert(1)&lt;/script&gt;", "</html>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://fonts", "ZgotmplZ", "<no value>"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// A warehouse of an older release lacks a table. The report says what to do.
func TestReportOfOldViews(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	fill(t, "duckdb:"+path)
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "DROP TABLE messaging.customerio_names"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t}
	if _, errs, code := s.run("report", "--warehouse-url", "duckdb:"+path, "--days", "0"); code != 1 || !strings.Contains(errs, "cioctl warehouse migrate") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	s.ok("warehouse", "migrate", "--warehouse-url", "duckdb:"+path)
	s.ok("report", "--warehouse-url", "duckdb:"+path)
}

func TestReportWithoutAWarehouse(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	s.wrong("--since", "report", "--since", "yesterday")
	s.wrong("--timezone", "report", "--timezone", "Mars")
	for _, url := range warehouses(t) {
		if _, errs, code := s.run("report", "--warehouse-url", url); code != 1 || !strings.Contains(errs, "a worker creates") {
			t.Errorf("%s: exit code %d, %s", url, code, errs)
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for _, url := range warehouses(t) {
		printed := s.ok("warehouse", "migrate", "--print", "--warehouse-url", url)
		if !strings.Contains(printed, "customerio_messages") {
			t.Errorf("%s: --print shows\n%s", url, printed)
		}
		if _, _, code := s.run("query", "--warehouse-url", url, "FROM customerio_events"); code != 1 {
			t.Errorf("%s: --print has made something", url)
		}
		for range 2 {
			s.ok("warehouse", "migrate", "--warehouse-url", url)
		}
		s.ok("query", "--warehouse-url", url, "FROM customerio_messages")
	}
	printed := s.ok("warehouse", "migrate", "--print", "--warehouse-url", "bigquery://my-project?location=EU")
	for _, want := range []string{"`my-project.messaging.customerio_events_raw`", `location = "EU"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("BigQuery's SQL lacks %s:\n%s", want, printed)
		}
	}
	s.wrong("want duckdb:FILE", "warehouse", "migrate", "--warehouse-url", "oracle:x")
}

// The folder in testdata was written by the first version.
func TestBackfill(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../internal/warehouse/parquet/testdata/c826c92")); err != nil {
		t.Fatal(err)
	}
	url := "parquet:" + dir
	count := func() map[string]any {
		return read[[]map[string]any](s, "query", "--warehouse-url", url, "SELECT count(*) AS n, count(source) AS sources FROM customerio_events")[0]
	}
	if n := count(); n["n"] != 42.0 || n["sources"] != 0.0 {
		t.Errorf("before the backfill there are %v", n)
	}
	for _, want := range []string{"backfilled 42 rows, skipped 0 ", "backfilled 0 rows, skipped 0 "} {
		if text := s.ok("warehouse", "migrate", "--backfill", "--grace", "0", "--warehouse-url", url); !strings.Contains(text, want) {
			t.Errorf("migrate printed %q; want %q", text, want)
		}
	}
	if n := count(); n["n"] != 42.0 || n["sources"] != 34.0 {
		t.Errorf("after the backfill there are %v", n)
	}
	s.wrong("--print and --backfill:", "warehouse", "migrate", "--backfill", "--print")
	s.wrong(`invalid --grace "-1s": want a duration`, "warehouse", "migrate", "--grace", "-1s")
}

func TestCompact(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	duck, folder := warehouses(t)[0], warehouses(t)[1]
	fill(t, folder)
	write(t, folder, warehousetest.Rows(500)[:200]) // the same events in another batch
	type result struct {
		Warehouse, Note, SQL string
		Rows, Duplicates     int64
	}
	got := read[[]result](s, "warehouse", "compact", "--grace", "0", "--warehouse-url", folder+","+duck+",bigquery://my-project")
	if len(got) != 3 || got[0].Duplicates != 200 || got[0].Rows != 501 || got[1].Warehouse != duck || got[1].Note == "" || !strings.Contains(got[2].SQL, "MERGE") {
		t.Errorf("compacted %+v", got)
	}
	rows := read[[]map[string]any](s, "query", "--warehouse-url", folder, "SELECT count(*) AS n FROM customerio_events")
	if rows[0]["n"] != 501.0 {
		t.Errorf("after compaction there are %v", rows)
	}
	if text := s.ok("warehouse", "compact", "--warehouse-url", duck); !strings.Contains(text, "stores each event once") {
		t.Error(text)
	}
	if text := s.ok("warehouse", "compact", "--before", "2026-03-02", "--warehouse-url", "bigquery://my-project"); !strings.Contains(text, "MERGE") || !strings.Contains(text, "2026-03-01") {
		t.Error(text)
	}
	s.wrong("--before:", "warehouse", "compact", "--before", "once")
	if _, errs, code := s.run("warehouse", "compact", "--warehouse-url", "parquet:"+t.TempDir()); code != 1 || !strings.Contains(errs, "a worker creates") {
		t.Errorf("compacting no warehouse: exit code %d, %s", code, errs)
	}
}
