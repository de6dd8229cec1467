// Package warehousetest is the conformance suite of warehouse.Sink and
// warehouse.Identity. It also checks the numbers that the views of every SQL warehouse must show.
package warehousetest

import (
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Warehouse is a warehouse under test. The suite begins with an empty warehouse.
type Warehouse interface {
	// Sink returns a new sink on the warehouse, independent of other sinks as if in
	// another process. The sink also implements warehouse.Identity. The suite opens and closes each sink, and has several sinks
	// open at the same time.
	Sink(t *testing.T) warehouse.Sink
	// Read returns the rows that a reader of the warehouse sees, in any order: each
	// event once, with a value for every column of warehouse.Columns by name. The
	// column's type decides whether a value is string, int64, bool or time.Time; JSON
	// is a string, NULL is nil. Sinks may be open meanwhile.
	Read(t *testing.T) []map[string]any
}

// Features lists the intended differences of a warehouse. The zero value describes a
// warehouse that stores each event once and refuses no row.
type Features struct {
	// Poison changes a good row so that the row still passes Row.Check and the
	// warehouse refuses the row. nil when the warehouse refuses no row.
	Poison func(*warehouse.Row)
	// Strict prepares the empty warehouse so that the warehouse refuses rows of
	// Poison. nil when no preparation is needed.
	Strict func(t *testing.T, w Warehouse)
	// Older creates the table in the empty warehouse with OlderColumns, as the first
	// release would. nil when the warehouse has no table that
	// could be old.
	Older func(t *testing.T, w Warehouse)
	// Appends is set when the warehouse stores repeated rows, counts them as
	// Inserted and hides them from readers.
	Appends bool
	// ReformatsJSON is set when the payload keeps its meaning but not its bytes.
	ReformatsJSON bool
	// Timestamp returns the value that a reader sees for an event's time, the zero
	// time for NULL. nil when a reader sees the time itself.
	Timestamp func(time.Time) time.Time
}

// Run runs the suite. Each test calls start once and gets a warehouse of its own. The
// tests run in parallel.
func Run(t *testing.T, f Features, start func(t *testing.T) Warehouse) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"open twice", openTwice},
		{"empty batch", emptyBatch},
		{"same batch twice", sameBatchTwice},
		{"new rows among old ones", newAmongOld},
		{"repeats within a batch", repeatsWithinBatch},
		{"one id in two workspaces", twoWorkspaces},
		{"one id of two metrics", twoMetrics},
		{"columns that need judgement", oddBodies},
		{"rows that no warehouse can store", unstorable},
		{"poison among good rows", poison},
		{"JSON that not everybody takes for JSON", oddJSON},
		{"every field", everyField},
		{"only required fields", requiredFields},
		{"times", times},
		{"text that is not UTF-8", invalidUTF8},
		{"payload of 8 MiB", largePayload},
		{"rows are the caller's again", callersRows},
		{"written, not acknowledged, written again", writtenNotAcknowledged},
		{"context ends before", contextEnded},
		{"context ends meanwhile", contextEndsMeanwhile},
		{"several writers", severalWriters},
		{"overlapping writes", overlappingWrites},
		{"table of an older release", olderTable},
		{"a store has one id", oneStore},
		{"two stores have two ids", twoStores},
		{"openers at once agree on the id", openersAtOnce},
		{"a store is empty until the first row", emptyStore},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&suite{t: t, Features: f, Warehouse: start(t), start: start})
		})
	}
}

// A suite is one test of the suite, with its warehouse and the warehouse's features.
type suite struct {
	t *testing.T
	Features
	Warehouse
	start func(t *testing.T) Warehouse // another warehouse
}

// open returns an open sink that is closed at the end of the test.
func (p *suite) open() warehouse.Sink {
	p.t.Helper()
	sink := p.Sink(p.t)
	p.t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			p.t.Errorf("Close: %v", err)
		}
	})
	if err := sink.Open(p.t.Context()); err != nil {
		p.t.Fatalf("Open: %v", err)
	}
	return sink
}

// write writes rows and checks that the result counts each row.
func (p *suite) write(sink warehouse.Sink, rows []warehouse.Row) warehouse.Result {
	p.t.Helper()
	result, err := sink.Write(p.t.Context(), rows)
	if err != nil {
		p.t.Fatalf("Write of %d rows: %v; an error stops the whole batch, so only an outage may cause an error", len(rows), err)
	}
	p.checkResult(result, len(rows))
	return result
}

// expect writes rows and checks the numbers of new and repeated rows.
func (p *suite) expect(sink warehouse.Sink, rows []warehouse.Row, inserted, duplicates int) {
	p.t.Helper()
	got := p.write(sink, rows)
	if len(got.Rejected) != 0 {
		p.t.Errorf("Write rejected row %d: %v; every row of this batch can be stored", got.Rejected[0].Index, got.Rejected[0].Err)
	}
	if p.Appends {
		inserted, duplicates = inserted+duplicates, 0
	}
	if got.Inserted != inserted || got.Duplicates != duplicates {
		p.t.Errorf("Write counted %d inserted and %d duplicates; want %d and %d", got.Inserted, got.Duplicates, inserted, duplicates)
	}
}
