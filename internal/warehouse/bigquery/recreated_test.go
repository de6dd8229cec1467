package bigquery_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// late starts a BigQuery whose Write API learns of tables 5 minutes late. later passes
// the 5 minutes.
func late(t *testing.T) (p place, later func()) {
	t.Helper()
	var passed atomic.Int64
	p = start(t, bigqueryfake.Config{
		TableLag: 5 * time.Minute,
		Now:      func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
	})
	return p, func() { passed.Add(int64(5 * time.Minute)) }
}

// recreate deletes the table and creates it again, as an operator does.
func (p place) recreate(t *testing.T) {
	t.Helper()
	if err := p.rest(t).Dataset(dataset).Table(bigquery.Raw).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	open(t, p.config())
}

// BigQuery acknowledges rows for a recreated table and loses them. The sink does not.
func TestRecreatedTable(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]bool{"between two batches": false, "during a batch": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, later := late(t)
			sink := open(t, p.config())
			later()
			all := rows(t, 0, 300)
			before := storeOf(t, sink)
			write(t, sink, all[:100])
			later() // the time of creation has passed
			if idle {
				p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
					p.Fault(nil)
					p.recreate(t)
					return bigqueryfake.Fault{}
				})
			} else {
				p.recreate(t)
			}
			for range 2 {
				_, err := sink.Write(t.Context(), all[:200])
				if !errors.Is(err, warehouse.ErrRecreated) || !strings.Contains(err.Error(), "customerio_events_raw was created again at") {
					t.Fatalf("error is %v; want ErrRecreated", err)
				}
				if _, permanent := fault.PermanentReason(err); permanent {
					t.Error("the error is permanent")
				}
				later() // time alone does not end the hold: an operator must adopt the store
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			if after := storeOf(t, sink); after.ID == before.ID || !after.ReachedFrom.After(before.ReachedFrom) {
				t.Errorf("the store was %+v and is %+v; want another id and a later time", before, after)
			}
			write(t, sink, all)
			wantRows(t, p, all)
		})
	}
}

// Without the check, each try during an outage of the REST API would store the rows again.
func TestRowsWaitForTheCheck(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	all := rows(t, 0, 20)
	write(t, sink, all[:10])
	p.Deny(bigqueryfake.NoReading)
	for range 3 {
		if _, err := sink.Write(t.Context(), all[10:]); err == nil {
			t.Fatal("Write succeeded without a check of the table")
		}
	}
	p.Deny(nil)
	write(t, sink, all[10:])
	wantRows(t, p, all)
	if raw := len(p.raw()); raw != 30 {
		t.Errorf("the table has %d rows; want 30: one try stores the rows, two send none", raw)
	}
}

// A table that has just been created for the first time is usable at once.
func TestNewTableIsKnownLate(t *testing.T) {
	t.Parallel()
	p, later := late(t)
	sink := open(t, p.config())
	batch := rows(t, 0, 10)
	if _, err := sink.Write(t.Context(), batch); err == nil || !strings.Contains(err.Error(), "BigQuery's servers do not know it yet") {
		t.Errorf("error is %v", err)
	}
	later()
	write(t, sink, batch)
	wantRows(t, p, batch)
}

func storeOf(t *testing.T, sink *bigquery.Sink) warehouse.Store {
	t.Helper()
	store, err := sink.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return store
}
