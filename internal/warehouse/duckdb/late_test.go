package duckdb_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Batches have new, late and repeated ids, ids that differ in the metric or in the workspace
// only, and digests, in any order. The table has each key once.
func TestLateIDsAreExact(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]writeFunc{"alone": writeAlone, "in groups": writeStaged} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lateIDsAreExact(t, write)
		})
	}
}

func lateIDsAreExact(t *testing.T, write writeFunc) {
	t.Helper()
	const total, batches, size = 260_000, 40, 120 // three of DuckDB's row groups
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	grow(t, p.path, total)
	sink := p.open(t)
	now := growthStart.AddDate(0, 0, growthDays)
	template := warehousetest.Rows(1)[0]
	var written []warehouse.Row
	keys := map[warehouse.Key]bool{}
	next := func() warehouse.Row {
		r := template
		r.Workspace, r.Metric = []string{"default", "default", "other"}[random.IntN(3)], []webhook.Metric{"sent", "sent", "opened", ""}[random.IntN(4)]
		switch n := random.IntN(10); {
		case n < 5:
			now = now.Add(time.Second)
			r.EventID = ulid(now, random.Uint64())
		case n < 6:
			r.EventID = ulid(growthStart.Add(time.Duration(random.IntN(growthSpan))*time.Millisecond), random.Uint64())
		case n < 7:
			r.EventID = oldID(random.IntN(total), total)
		case n < 8 || len(written) == 0:
			r.EventID = fmt.Sprintf("%064x", random.Uint64())
		default: // perhaps with another metric or workspace
			r.EventID = written[random.IntN(len(written))].EventID
		}
		return r
	}
	for range batches {
		rows := make([]warehouse.Row, size)
		want := warehouse.Result{}
		for i := range rows {
			rows[i] = next()
			k := rows[i].Key()
			if keys[k] || k.Workspace == "default" && k.Metric == "sent" && isOld(k.EventID, total) {
				want.Duplicates++
			} else {
				want.Inserted++
			}
			keys[k] = true
		}
		written = append(written, rows...)
		got, err := write(t.Context(), sink.(*duckdb.Sink), rows)
		if err != nil || got.Inserted != want.Inserted || got.Duplicates != want.Duplicates {
			t.Fatalf("seed %d: the result is %+v, %v; want %+v", seed, got, err, want)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if twice := p.query(t, "SELECT workspace, event_id, metric FROM customerio_events GROUP BY ALL HAVING count(*) > 1"); len(twice) > 0 {
		t.Errorf("seed %d: twice in the table: %v", seed, twice)
	}
}

// isOld reports whether grow has written the id.
func isOld(id string, total int) bool {
	var i int
	_, err := fmt.Sscanf(id[10:], "%X", &i)
	return err == nil && i < total && oldID(i, total) == id
}
