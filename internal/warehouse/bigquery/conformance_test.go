package bigquery_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

var features = warehousetest.Features{
	Appends: true,
	Poison:  func(r *warehouse.Row) { r.Raw = []byte("{not json") },
	Older: func(t *testing.T, w warehousetest.Warehouse) {
		t.Helper()
		older(t, placeOf(w))
	},
	Timestamp: partitioned,
}

// partitioned returns the time of an event, or NULL if BigQuery has no partition for it.
func partitioned(at time.Time) time.Time {
	now := time.Now()
	if at.Before(now.AddDate(-10, 0, 3)) || at.After(now.AddDate(1, 0, -3)) {
		return time.Time{}
	}
	return at
}

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, features, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return start(t, bigqueryfake.Config{})
	})
}

// Lost answers cause repeated rows in the table. A reader sees no repeat.
func TestConformanceWithLostAnswers(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, features, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		p := start(t, bigqueryfake.Config{})
		random := rand.New(rand.NewPCG(1, 2))
		p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault {
			if random.IntN(5) == 0 {
				return bigqueryfake.Fault{Kind: bigqueryfake.DropAfter}
			}
			return bigqueryfake.Fault{}
		})
		return lossy{p}
	})
}

// A lossy place loses answers: a Write may fail. Its sinks repeat a failed Write, as a
// worker does.
type lossy struct{ place }

func (l lossy) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	return patient{l.place.Sink(t)}
}

type patient struct{ warehouse.Sink }

func (s patient) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	for {
		result, err := s.Sink.Write(ctx, rows)
		if err == nil || ctx.Err() != nil {
			return result, err
		}
	}
}

func (s patient) Store(ctx context.Context) (warehouse.Store, error) {
	return s.Sink.(warehouse.Identity).Store(ctx)
}

func placeOf(w warehousetest.Warehouse) place {
	if l, ok := w.(lossy); ok {
		return l.place
	}
	return w.(place)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	warehousetest.Notes(t, func(t *testing.T) warehousetest.Warehouse {
		t.Helper()
		return start(t, bigqueryfake.Config{})
	}, func(t *testing.T, w warehousetest.Warehouse, table string, columns []string) [][]any {
		t.Helper()
		found, err := placeOf(w).View(project, dataset, table)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([][]any, len(found))
		for i, row := range found {
			for _, c := range columns {
				rows[i] = append(rows[i], row[c])
			}
		}
		return rows
	})
}
