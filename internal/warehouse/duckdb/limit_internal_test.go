package duckdb

import (
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// On a small machine DuckDB's default is below the last limit but one, and stays in force:
// the kernel would kill a program with a larger limit.
func TestLimitWithinDefault(t *testing.T) {
	t.Parallel()
	// DuckDB rounds its own texts down.
	for ours, want := range map[string]string{"100MB": "95.2 MiB", "1900MB": "1.6 GiB", "64GB": "1.8 GiB"} {
		s, err := openSession("", map[string]string{"memory_limit": ours})
		if err != nil {
			t.Fatal(err)
		}
		r := &Reader{}
		r.session.Store(s)
		if err := s.exec(withinDefault("2GB")); err != nil {
			t.Fatal(err)
		}
		if got := memoryLimit(t, r); got != want {
			t.Errorf("with a default of %s the limit is %v, want %s", ours, got, want)
		}
	}
}

// The limits of a reader, in order, on a machine with more than 3 GB.
func TestReaderLimits(t *testing.T) {
	t.Parallel()
	for i, want := range []string{"15.2 MiB", "488.2 MiB", "1.8 GiB"} {
		r, err := newReader(t.Context(), &Reader{limit: i})
		if err != nil {
			t.Fatal(err)
		}
		if got := memoryLimit(t, r); got != want {
			t.Errorf("limit %d is %v, want %s", i, got, want)
		}
	}
}

// memoryLimit returns the limit in force and closes the reader.
func memoryLimit(t *testing.T, r *Reader) any {
	t.Helper()
	table, err := warehouse.ReadTable(t.Context(), r, "SELECT current_setting('memory_limit') AS memory")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return table.Rows[0][0]
}
