package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func TestRollup(t *testing.T) {
	t.Parallel()
	row := warehousetest.Rows(1)[0]
	row.Timestamp = time.Now().AddDate(0, 0, -1)
	for _, url := range warehouses(t) {
		write(t, url, []warehouse.Row{row})
		s := &shell{t: t}
		for args, rows := range map[string]float64{"--days 1": 0, "--until -1d --days 1": 1, "--since -1d --until -1d": 1, "--days 3": 1} {
			done := read[[]map[string]any](s, append([]string{"warehouse", "rollup", "--warehouse-url", url}, strings.Fields(args)...)...)
			if _, charged := done[0]["bytes"]; done[0]["rows"] != rows || charged || done[0]["warehouse"] != url {
				t.Errorf("%s: rolled up %v; want %v rows", args, done, rows)
			}
		}
		got := read[[]map[string]any](s, "query", "--warehouse-url", url, "SELECT workspace, deliveries, CAST(day AS VARCHAR) AS day FROM customerio_rollup_daily")
		if want := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly); len(got) != 1 || got[0]["deliveries"] != 1.0 || got[0]["day"] != want {
			t.Errorf("%s: the rollup has %v", url, got)
		}
		s.wrong("--dry-run: ", "warehouse", "rollup", "--dry-run", "--warehouse-url", url)
	}
	s := &shell{t: t}
	s.wrong(`invalid --since "yesterday": want a day such as`, "warehouse", "rollup", "--since", "yesterday")
	s.wrong(`invalid --days "0": want a whole number above 0`, "warehouse", "rollup", "--days", "0")
	missing := "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	if _, errs, code := s.run("warehouse", "rollup", "--warehouse-url", missing); code != 1 || !strings.Contains(errs, "does not exist") {
		t.Errorf("a missing file: exit code %d, %s", code, errs)
	}
	for since, until := range map[string]string{"2026-11-02": "2026-11-01", "-1d": "-2d"} { // said before the file is missed
		s.wrong("--until is before --since", "warehouse", "rollup", "--since", since, "--until", until, "--warehouse-url", missing)
	}
	url := warehouses(t)[0]
	write(t, url, nil)
	s.wrong("--until is before --since", "warehouse", "rollup", "--since", "-1d", "--until", "2025-11-01", "--warehouse-url", url)
}

// A dry run says what the rollup costs, and leaves the table empty.
func TestRollupOnBigQuery(t *testing.T) {
	t.Parallel()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	url := "bigquery://proj?rest=" + server.RESTEndpoint() + "&grpc=" + server.GRPCEndpoint()
	rows := warehousetest.Rows(50)
	write(t, url, rows)
	s := &shell{t: t}
	day := rows[0].Timestamp.UTC().Format(time.DateOnly)
	args := []string{"warehouse", "rollup", "--warehouse-url", url, "--since", day, "--until", day}
	dry := read[[]map[string]any](s, append(args, "--dry-run")...)
	if bytes, _ := dry[0]["bytes"].(float64); bytes < 1000 || dry[0]["rows"] != 0.0 || server.Len("proj", "messaging", warehouse.Rollup) != 0 {
		t.Errorf("the dry run says %v", dry)
	}
	if out := s.ok(args...); !strings.Contains(out, " bytes, ") && !strings.Contains(out, " KiB, ") || server.Len("proj", "messaging", warehouse.Rollup) == 0 {
		t.Errorf("the rollup says\n%s", out)
	}
}
