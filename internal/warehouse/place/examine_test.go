package place_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A folder of Parquet files before its first worker, healthy, of another release, and with
// a file that is not Parquet.
func TestExamineParquet(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "events")
	p, err := place.Parse("parquet:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(wants ...string) {
		t.Helper()
		var got strings.Builder
		for _, s := range p.Examine(t.Context()) {
			fmt.Fprintf(&got, "broken %t: %s → %s\n", s.Broken, s.Detail, s.Remedy)
		}
		for _, want := range wants {
			if !strings.Contains(got.String(), want) {
				t.Errorf("no %q in\n%s", want, got.String())
			}
		}
	}
	expect("broken false: the folder has no events yet → start a worker", "is writable, ")
	filled(t, p.URL)
	before := hashes(t, dir)
	expect(fmt.Sprintf("broken false: readable, %d columns and %d views → ", len(warehouse.Columns()), len(warehouse.Views())), "folder "+dir+" is writable, ")
	if after := hashes(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files changed: %v, %v", before, after)
	}
	wrong := filepath.Join(dir, warehouse.Events, "dt=2026-01-01", "batch-1.parquet")
	if err := os.MkdirAll(filepath.Dir(wrong), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wrong, []byte("no Parquet, but long enough for a footer"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("broken true: ", "batch-1.parquet")
}
