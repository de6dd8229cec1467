package duckdb

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// After a few late ids, an insert looks in the table only for ids that the table may have.
func TestNewLateIDsAreNotSearched(t *testing.T) {
	t.Parallel()
	s := filtered(t, filepath.Join(t.TempDir(), "e.duckdb"))
	for _, c := range []struct {
		name string
		rows []warehouse.Row
		want [3]int // rows of each part
		new  int
	}{
		{"new ids", ids("01K", 0, 100), [3]int{}, 100},
		{"late ids and digests", append(ids("01A", 500, 600), ids("ab", 0, 10)...), [3]int{}, 110},
		{"known ids and a late one", append(ids("01K", 0, 5), ids("01A", 700, 701)...), [3]int{5}, 1},
		{"the late ones again", append(ids("01A", 590, 600), ids("ab", 9, 11)...), [3]int{10, 0, 1}, 1},
		{"an id that is not UTF-8", ids("\xff", 0, 1), [3]int{0, 0, 1}, 1},
		{"the id as it is stored", ids("\uFFFD", 0, 1), [3]int{0, 0, 1}, 0},
	} {
		if got := partsOf(c.rows, s.perhapsKnown(t.Context(), c.rows, indexes(c.rows)), idTime); got.sizes() != c.want {
			t.Errorf("%s: an insert looks for %v rows, want %v", c.name, got.sizes(), c.want)
		}
		s.file.known, s.file.searching = nil, time.Second // the filter has the ids now, which the table lacks
		if err := s.learn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.insertNew(t.Context(), s.layOut(c.rows, indexes(c.rows))); err != nil || n != c.new {
			t.Errorf("%s: inserted %d, %v; want %d", c.name, n, err, c.new)
		}
	}
}

// A sink reads the ids when it has searched for new ids for as long as the reading takes.
func TestNewIDsAreWorthAFilter(t *testing.T) {
	t.Parallel()
	s, _ := withStoredRows(t, 10_000) // 1.5 ms to read
	s.file.searching = 0
	for i, want := range []bool{false, false, true} {
		rows := ids("01B", 1000*i, 1000*i+1000) // 1 ms to search
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != len(rows) {
			t.Fatalf("inserted %d, %v", n, err)
		}
		if got := s.file.known != nil; got != want {
			t.Errorf("after insert %d the sink has a filter: %t, want %t", i, got, want)
		}
	}
}

// A large table is read in parts, one with each insert. The filter has the rows that were
// inserted meanwhile, and is in use with the last part.
func TestIDsAreReadInParts(t *testing.T) {
	t.Parallel()
	const stored, step = 10_000, 3_000
	s, _ := withStoredRows(t, stored)
	s.file.searching = time.Second
	if err := s.file.begin(t.Context()); err != nil || s.file.reading == nil {
		t.Fatalf("no reading has begun, %v", err)
	}
	s.file.reading.step, s.file.reading.patience = step, 0
	var meanwhile []warehouse.Row
	for i, want := range []bool{false, false, false, true} {
		rows := append(ids("01B", 1000+10*i, 1010+10*i), ids("01A0", i, i+1)...)
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != len(rows) {
			t.Fatalf("insert %d: inserted %d, %v", i, n, err)
		}
		if got := s.file.known != nil; got != want {
			t.Fatalf("after insert %d the sink has a filter: %t, want %t", i, got, want)
		}
		meanwhile = append(meanwhile, rows...)
	}
	for i := range stored {
		meanwhile = append(meanwhile, storedRow(i))
	}
	if perhaps := s.perhapsKnown(t.Context(), meanwhile, indexes(meanwhile)); len(perhaps) != len(meanwhile) {
		t.Errorf("the filter has %d of %d ids", len(perhaps), len(meanwhile))
	}
	if n, err := s.insertNew(t.Context(), s.layOut(meanwhile, indexes(meanwhile))); err != nil || n != 0 {
		t.Errorf("inserted %d again, %v", n, err)
	}
}

// A reading that misses a row gives no filter.
func TestReadingWithoutARow(t *testing.T) {
	t.Parallel()
	s, _ := withStoredRows(t, 10_000)
	s.file.searching = time.Second
	if err := s.file.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.file.reading.next = s.file.reading.end - 9_999
	late := ids("01A0", 0, 10)
	if n, err := s.insertNew(t.Context(), s.layOut(late, indexes(late))); err != nil || n != len(late) || s.file.known != nil {
		t.Errorf("inserted %d, %v; the sink has a filter: %t", n, err, s.file.known != nil)
	}
}

// While the file is closed, another process may write to the file, and a backup may replace
// the file.
func TestFilterEndsWithTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	s := filtered(t, path)
	if err := s.closeFile(); err != nil {
		t.Fatal(err)
	}
	late := ids("01A", 800, 810)
	other, err := New(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.Write(t.Context(), late); err != nil || got.Inserted != len(late) {
		t.Fatalf("the other process writes %+v, %v", got, err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.insertNew(t.Context(), s.layOut(late, indexes(late))); err != nil || n != 0 {
		t.Errorf("inserted %d of the other process's rows again, %v", n, err)
	}
}

// A statement that fails has its ids in the filter and no row in the table.
func TestFailedInsertIsRepeated(t *testing.T) {
	t.Parallel()
	s := filtered(t, filepath.Join(t.TempDir(), "e.duckdb"))
	if err := s.file.exec(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	rows := append(ids("01A", 900, 910), ids("01K", 900, 910)...)
	for _, statement := range []string{"ROLLBACK", "BEGIN", "COMMIT"} {
		if statement != "BEGIN" {
			if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != len(rows) {
				t.Errorf("before %s: inserted %d, %v; want %d", statement, n, err, len(rows))
			}
		}
		if err := s.file.exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != 0 {
		t.Errorf("inserted %d again, %v", n, err)
	}
}

// A filter for more ids replaces a full one.
func TestFilterGrows(t *testing.T) {
	t.Parallel()
	s := filtered(t, filepath.Join(t.TempDir(), "e.duckdb"))
	s.file.known.most = s.file.known.n + 20
	for i, want := range []bool{true, false, true} {
		rows := append(ids("01B", 1000+10*i, 1010+10*i), ids("01A", 1000+i, 1001+i)...)
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != len(rows) {
			t.Fatalf("insert %d: inserted %d, %v", i, n, err)
		}
		if got := s.file.known != nil; got != want {
			t.Errorf("after insert %d the sink has a filter: %t, want %t", i, got, want)
		}
	}
}

// filtered returns a sink with an open file, which has late ids and a filter. The caller uses
// the sink below Write, so that the file stays open however slow the machine is.
func filtered(t *testing.T, path string) *Sink {
	t.Helper()
	s, err := New(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	t.Cleanup(s.mu.Unlock) // before Close
	if err := s.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true} {
		rows := append(ids("01B", 100*i, 100*i+50), ids("01A", i, i+1)...)
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != len(rows) {
			t.Fatalf("inserted %d, %v", n, err)
		}
		if got := s.file.known != nil; got != want {
			t.Fatalf("after insert %d with late ids the sink has a filter: %t, want %t", i, got, want)
		}
	}
	return s
}

// ids returns rows. With a prefix 01, the ids are ULIDs of one second.
func ids(prefix string, from, to int) (rows []warehouse.Row) {
	for i := from; i < to; i++ {
		id := fmt.Sprintf("%s%064d", prefix, i)
		if prefix[0] == '0' {
			id = fmt.Sprintf("%s%023d", prefix, i)
		}
		rows = append(rows, warehouse.NewRow(&webhook.Event{Metric: webhook.Sent, Raw: []byte("{}")},
			warehouse.Origin{EventID: id, Workspace: "w", ReceivedAt: time.Unix(1_760_000_000, 0)}))
	}
	return rows
}

func indexes(rows []warehouse.Row) []int {
	list := make([]int, len(rows))
	for i := range list {
		list[i] = i
	}
	return list
}

func (p *parts) sizes() [3]int { return [3]int{len(p[0]), len(p[1]), len(p[2])} }
