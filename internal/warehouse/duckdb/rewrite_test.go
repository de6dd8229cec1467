package duckdb_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// A copy has several steps at the same time, and the rows keep their order from step to
// step, although the first step takes longest.
func TestRewriteInLanes(t *testing.T) {
	t.Parallel()
	const step, steps = 4096, 5
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	rows := make([]warehouse.Row, step*steps-100)
	for i := range rows {
		subject := "short"
		if i < step {
			subject = strings.Repeat("long ", 1000)
		}
		body := fmt.Sprintf(`{"event_id":"e%06d","metric":"sent","object_type":"email","timestamp":%d,"data":{"subject":%q}}`, i, 1_760_000_000+i, subject)
		if err := rows[i].Parse([]byte(body), warehouse.Origin{EventID: fmt.Sprintf("e%06d", i), Workspace: "w", ReceivedAt: time.Unix(1_760_000_100, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	warehousetest.Fill(t, p.Sink(t), slices.Collect(slices.Chunk(rows, 5000))...)
	const order = "SELECT rowid // 4096, min(event_id), max(event_id), count(DISTINCT event_id), count(subject) FROM messaging.customerio_events GROUP BY 1 ORDER BY 1"
	before := p.query(t, order)
	erased, err := duckdb.Rewrite(t.Context(), duckdb.Rewriting{Path: p.path, Change: func(r *warehouse.Row) bool {
		isThird := strings.HasSuffix(r.EventID, "3")
		if isThird {
			r.Subject = "another"
		}
		return isThird
	}})
	if want := int64(len(rows) / 10); err != nil || erased.Events != want {
		t.Errorf("rewritten %+v, %v, want %d", erased, err, want)
	}
	if diff := cmp.Diff(before, p.query(t, order)); diff != "" || len(before) != steps {
		t.Errorf("%d steps in the file (-before +after):\n%s", len(before), diff)
	}
	if got := p.query(t, "SELECT count(*) FROM customerio_events WHERE subject = 'another' AND ends_with(event_id, '3')")[0][0]; got != erased.Events {
		t.Errorf("%v rows have the change", got)
	}
}
