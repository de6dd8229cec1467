package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/test/lab"
)

// shown is what the views of a warehouse show: how often each fact, the sums, and how
// many bounces lack the class, a new column. Views of the old version have no class.
type shown struct {
	facts    map[key]int
	sums     totals
	unfilled int
}

// read reads the views of all warehouses with the programs of a version.
func (u *upgrade) read(ctx context.Context, v *version, into func(*Warehouse) *shown) error {
	s, r := u.system, u.report
	for url, w := range map[string]*Warehouse{s.duckdb: &r.DuckDB, s.parquet: &r.Parquet} {
		sums := sumsSQL
		if v == s.before {
			sums = oldNames.Replace(sums)
		}
		got, err := query(ctx, v, url, sums)
		if err == nil && into(w) == &w.Kept {
			got.unfilled, err = unfilled(ctx, v, url)
		}
		if err != nil {
			return err
		}
		*into(w) = *got
	}
	got, err := bigQueryView(s.bigquery)
	if err == nil {
		*into(&r.BigQuery) = *got
	}
	return err
}

const (
	factsSQL = "SELECT delivery_id AS delivery, coalesce(metric, '') AS metric, count(*) AS n FROM customerio_events GROUP BY ALL"
	sumsSQL  = `SELECT
  (SELECT coalesce(sum(events), 0)::BIGINT FROM customerio_pipeline_latency) AS events,
  (SELECT count(*) FROM customerio_deliveries) AS deliveries,
  (SELECT coalesce(sum(bounces), 0)::BIGINT FROM customerio_bounces) AS bounces,
  (SELECT coalesce(sum(human_clicks), 0)::BIGINT FROM customerio_links) AS clicks`
)

// oldNames replaces names of views with those of the old version.
var oldNames = strings.NewReplacer("human_clicks", "clicks", "customerio_links", "customerio_link_clicks")

// query reads the views of DuckDB or Parquet as an operator of the version does.
func query(ctx context.Context, v *version, url, sumsOf string) (*shown, error) {
	var facts []struct {
		Delivery, Metric string
		N                int
	}
	var sums []totals
	for statement, into := range map[string]any{factsSQL: &facts, sumsOf: &sums} {
		out, err := cioctl(ctx, v, lab.WarehouseEnv(url), "query", "--output", "json", statement)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(out, into); err != nil {
			return nil, fmt.Errorf("read the answer of cioctl query: %w", err)
		}
	}
	s := &shown{facts: map[key]int{}}
	for _, f := range facts {
		s.facts[key{f.Delivery, f.Metric}] = f.N
	}
	if len(sums) == 1 {
		s.sums = sums[0]
	}
	return s, nil
}

// unfilled counts the bounces without a class.
func unfilled(ctx context.Context, v *version, url string) (int, error) {
	var counts []struct{ N int }
	out, err := cioctl(ctx, v, lab.WarehouseEnv(url), "query", "--output", "json",
		"SELECT count(*) AS n FROM customerio_events WHERE metric = 'bounced' AND object_type = 'email' AND bounce_class IS NULL")
	if err == nil {
		err = json.Unmarshal(out, &counts)
	}
	if err != nil || len(counts) != 1 {
		return 0, fmt.Errorf("count bounces without a class: %w", err)
	}
	return counts[0].N, nil
}

// cioctl runs cioctl of a version and returns the standard output.
func cioctl(ctx context.Context, v *version, env lab.Env, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(v.bin, "cioctl"), args...) //nolint:gosec // The arguments are constants.
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cioctl %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// bigQueryView counts the events that the view in BigQuery shows now.
func bigQueryView(b *lab.BigQuery) (*shown, error) {
	rows, err := b.View(lab.BigQueryProject, warehouse.DefaultSchema, warehouse.Events)
	if err != nil {
		return nil, err
	}
	s := &shown{facts: map[key]int{}}
	for _, row := range rows {
		metric, _ := row["metric"].(string)
		s.facts[key{fmt.Sprint(row["delivery_id"]), metric}]++
	}
	return s, nil
}
