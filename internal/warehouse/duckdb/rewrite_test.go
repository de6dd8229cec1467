package duckdb_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func byKey(a, b map[string]any) bool {
	return fmt.Sprint(a["event_id"], a["metric"], a["workspace"]) < fmt.Sprint(b["event_id"], b["metric"], b["workspace"])
}

// A rewriting changes what its function changes, nothing else, and leaves no old bytes.
func TestRewrite(t *testing.T) {
	t.Parallel()
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	rows := append(annsRows(), warehousetest.MixedRows(500, 3)...)
	warehousetest.Fill(t, p.Sink(t), rows)
	before := p.Read(t)
	change := func(r *warehouse.Row) bool {
		if r.Subject == "" {
			return false
		}
		r.Subject, r.Raw = "", []byte(`{"redacted":true}`)
		return true
	}
	var last int64
	erased, err := duckdb.Rewrite(t.Context(), duckdb.Rewriting{Path: p.path, Change: change, Progress: func(done, _ int64) { last = done }})
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for _, row := range before {
		if row["subject"] != nil {
			row["subject"], row["payload"] = nil, `{"redacted":true}`
			want++
		}
	}
	if diff := cmp.Diff(privacy.Erased{Events: want}, erased); diff != "" || want < 10 || last != int64(len(before)) {
		t.Errorf("rewritten, after %d rows (-want +got):\n%s", last, diff)
	}
	if diff := cmp.Diff(before, p.Read(t), cmpopts.SortSlices(byKey)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if erased, err := duckdb.Rewrite(t.Context(), duckdb.Rewriting{Path: p.path, Change: change}); err != nil || erased.Events != 0 {
		t.Errorf("the second time: %+v, %v", erased, err)
	}
}
