package duckdb_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// A sink opens a file of any name, also of a name that DuckDB has for another database.
func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"memory.duckdb", "MEMORY.db", "main.duckdb", "temp", "system.x.y", ".duckdb", `it's "a".b.duckdb`, "a?b=c.duckdb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			sink := open(t, path)
			if got, err := sink.Write(t.Context(), []warehouse.Row{row("w", "1", "{}")}); err != nil || got.Inserted != 1 {
				t.Fatalf("write: %+v, %v", got, err)
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			table, err := duckdb.Query(t.Context(), path, "SELECT count(*) FROM customerio_events")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]any{{int64(1)}}, table.Rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// A sink leaves larger row groups of another program as they are, with an index, too, and
// goes on with row groups of its own size.
func TestRowGroups(t *testing.T) {
	t.Parallel()
	for index, groups := range map[string][]any{
		"FROM messaging.customerio_events LIMIT 0": {int64(122_880), int64(77_120), int64(25_000), int64(25_000), int64(15_000)},
		// With an index, DuckDB fills the last row group first.
		"CREATE UNIQUE INDEX theirs ON messaging.customerio_events (event_id)": {int64(122_880), int64(77_120), int64(30_720), int64(30_720), int64(3_560)},
	} {
		t.Run(index, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "e.duckdb")
			const old, batches, size = 200_000, 13, 5000
			grow(t, path, old)
			mustRun(t, path, index)
			sink := open(t, path)
			rows := make([]warehouse.Row, size)
			for b := range batches {
				for i := range rows {
					rows[i] = row("w", fmt.Sprintf("%d-%d", b, i), "{}")
				}
				if got, err := sink.Write(t.Context(), rows); err != nil || got.Inserted != size {
					t.Fatalf("batch %d: %+v, %v", b, got, err)
				}
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			table, err := duckdb.Query(t.Context(), path, `WITH g AS (
  SELECT row_group_id, sum(count) AS rows FROM pragma_storage_info('messaging.customerio_events') WHERE column_name = 'event_id' AND segment_type <> 'VALIDITY' GROUP BY ALL
) SELECT (SELECT count(*) FROM customerio_events), (SELECT list(rows::BIGINT ORDER BY row_group_id) FROM g)`)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]any{{int64(old + batches*size), groups}}, table.Rows); diff != "" {
				t.Errorf("rows, rows of the row groups (-want +got):\n%s", diff)
			}
		})
	}
}
