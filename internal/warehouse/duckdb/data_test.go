package duckdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

var wholeYear = warehouse.Days{First: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Last: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)}

// The questions in docs/data.md have answers.
func TestQuestions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/data.md")
	if err != nil {
		t.Fatal(err)
	}
	p := place{path: filepath.Join(t.TempDir(), "e.duckdb")}
	if _, err := p.open(t).Write(t.Context(), warehousetest.MixedRows(3000, 11)); err != nil {
		t.Fatal(err)
	}
	if _, err := duckdb.Rollup(t.Context(), duckdb.Config{Path: p.path}, wholeYear); err != nil {
		t.Fatal(err)
	}
	questions := strings.Split(string(text), "```sql\n")[1:]
	if len(questions) != 11 {
		t.Errorf("there are %d questions; want 11", len(questions))
	}
	for _, q := range questions {
		sql, _, _ := strings.Cut(q, "\n```")
		if rows := p.query(t, sql); len(rows) == 0 {
			t.Errorf("no rows:\n%s", sql)
		}
	}
}
