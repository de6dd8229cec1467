package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Each format shows the same rows; names that occur twice get different keys.
func TestQueryFormats(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	url := "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	write(t, url, nil)
	const statement = `SELECT 'a, "b"' AS text, 7 AS n, NULL AS n, '{"x": [1.50]}'::JSON AS j, TIMESTAMPTZ '2026-01-02 03:04:05Z' AS at`
	for format, want := range map[string]string{
		"table": "text    n  n  j              at\na, \"b\"  7  -  {\"x\": [1.50]}  2026-01-02T03:04:05Z\n",
		"jsonl": `{"text":"a, \"b\"","n":7,"n_2":null,"j":{"x":[1.50]},"at":"2026-01-02T03:04:05Z"}` + "\n",
		"csv":   "text,n,n,j,at\n\"a, \"\"b\"\"\",7,,\"{\"\"x\"\": [1.50]}\",2026-01-02T03:04:05Z\n",
		"json": `[
  {
    "text": "a, \"b\"",
    "n": 7,
    "n_2": null,
    "j": {
      "x": [
        1.50
      ]
    },
    "at": "2026-01-02T03:04:05Z"
  }
]
`,
	} {
		if diff := cmp.Diff(want, s.ok("query", "--warehouse-url", url, "--output", format, statement)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	for format, want := range map[string]string{"table": "a\n", "json": "[]\n", "jsonl": "", "csv": "a\n"} {
		if got := s.ok("query", "--warehouse-url", url, "--output", format, "SELECT 1 AS a WHERE false"); got != want {
			t.Errorf("no rows as %s: %q; want %q", format, got, want)
		}
	}
	s.wrong(`invalid --output "xml": want table, json, jsonl or csv`, "query", "--output", "xml", "SELECT 1")
	if _, errs, code := s.run("query", "--warehouse-url", url, "SELECT 1; SELECT 2"); code != 1 || !strings.Contains(errs, "want one statement") {
		t.Errorf("two statements: exit code %d, %s", code, errs)
	}
	if out, errs, code := s.run("query", "--warehouse-url", url, "--timeout", "200ms", "FROM range(1000000000000)"); code != 1 ||
		!strings.Contains(errs, "not finished within --timeout 200ms") || out == "" {
		t.Errorf("a query without end: exit code %d, %s", code, errs)
	}
}

// A query prints rows as they arrive: no format keeps the rows until the last one.
func TestQueryPrintsRowsAsTheyArrive(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		var out bytes.Buffer
		each := func(yield func([]any, error) bool) {
			for i := range 2000 {
				if !yield([]any{int64(i), json.RawMessage(`{"a":1}`), strings.Repeat("x", 20), time.Unix(0, 0)}, nil) {
					return
				}
			}
			if out.Len() == 0 {
				t.Errorf("%s: nothing printed after 2,000 rows", format)
			}
		}
		c := &cli{out: &out}
		if err := c.printRows(&warehouse.Rows{Columns: []string{"n", "json", "x", "at"}, Each: each}, &output{format: format}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// A page of a table is as wide as the page before, or wider.
func TestQueryPages(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	each := func(yield func([]any, error) bool) {
		for i := range 2*pageRows + 1 {
			yield([]any{strings.Repeat("é", []int{4, 9, 1}[i/pageRows]), "end"}, nil)
		}
	}
	c := &cli{out: &out}
	if err := c.printRows(&warehouse.Rows{Columns: []string{"a", "b"}, Each: each}, &output{format: "table"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	got := []string{lines[0], lines[1], lines[pageRows+1], lines[2*pageRows+1]}
	want := []string{"a     b", "éééé  end", fmt.Sprintf("%s  end", strings.Repeat("é", 9)), "é          end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
