package duckdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

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
	questions := strings.Split(string(text), "```sql\n")[1:]
	if len(questions) != 10 {
		t.Errorf("there are %d questions; want 10", len(questions))
	}
	for _, q := range questions {
		sql, _, _ := strings.Cut(q, "\n```")
		if rows := p.query(t, sql); len(rows) == 0 {
			t.Errorf("no rows:\n%s", sql)
		}
	}
}
