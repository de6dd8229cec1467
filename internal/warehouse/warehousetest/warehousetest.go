// Package warehousetest holds the suite that every warehouse.Sink passes, and
// the numbers that the views of every SQL warehouse must show.
package warehousetest

import (
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Warehouse is one warehouse under test, empty at first.
type Warehouse interface {
	// Sink returns a new sink on the warehouse, as another process would make
	// it. The suite opens it and closes it, and has several of them open at the
	// same time.
	Sink(t *testing.T) warehouse.Sink
	// Read returns what a reader of the warehouse sees, in any order: each event
	// once, a value for every column of warehouse.Columns by its name. A value
	// is nil, string, int64, bool or time.Time by the column's type; JSON is a
	// string. Sinks may be open meanwhile.
	Read(t *testing.T) []map[string]any
}

// Features says in what a warehouse differs on purpose. The zero value is a
// warehouse that knows each event and refuses none.
type Features struct {
	// Poison changes a row that the warehouse would store into one that passes
	// Row.Check and that the warehouse itself refuses. nil when there is none.
	Poison func(*warehouse.Row)
	// Strict makes the warehouse, in which nothing is yet, refuse what Poison
	// makes. nil when it does so by itself.
	Strict func(t *testing.T, w Warehouse)
	// Older makes the warehouse, in which nothing is yet, look as if a release
	// without the last two columns before payload had created it. nil when a
	// warehouse has no table that could be old.
	Older func(t *testing.T, w Warehouse)
	// Appends is set when repeats are stored, counted as Inserted, and hidden
	// from readers.
	Appends bool
	// ReformatsJSON is set when the payload keeps its meaning and not its bytes.
	ReformatsJSON bool
	// Timestamp is what a reader sees of the time of an event, the zero time for
	// NULL. nil when it is the time itself.
	Timestamp func(time.Time) time.Time
}

// Run runs the suite. Each of its tests calls start once for a warehouse of its
// own; the tests run in parallel.
func Run(t *testing.T, f Features, start func(t *testing.T) Warehouse) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*place)
	}{
		{"open twice", openTwice},
		{"empty batch", emptyBatch},
		{"same batch twice", sameBatchTwice},
		{"new rows among old ones", newAmongOld},
		{"repeats within a batch", repeatsWithinBatch},
		{"one id in two workspaces", twoWorkspaces},
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
		{"table of an older release", olderTable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&place{t: t, Features: f, Warehouse: start(t)})
		})
	}
}

// A place is a warehouse in one test, with what is known of it.
type place struct {
	t *testing.T
	Features
	Warehouse
}

// open returns an open sink that is closed at the end of the test.
func (p *place) open() warehouse.Sink {
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

// write writes rows and checks that the result speaks of each of them.
func (p *place) write(sink warehouse.Sink, rows []warehouse.Row) warehouse.Result {
	p.t.Helper()
	result, err := sink.Write(p.t.Context(), rows)
	if err != nil {
		p.t.Fatalf("Write of %d rows: %v; an error holds up the whole batch, so nothing but an outage may cause one", len(rows), err)
	}
	p.checkResult(result, len(rows))
	return result
}

// expect writes rows and checks how many were new and known.
func (p *place) expect(sink warehouse.Sink, rows []warehouse.Row, inserted, duplicates int) {
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
