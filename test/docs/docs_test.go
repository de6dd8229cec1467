// Package docs_test checks the documents against the code: the tables of settings in
// docs/configuration.md, links between documents, files and documents that comments
// name, constants and log lines that a sentence quotes (see quotes and texts), and label
// values that a table explains. It checks the workflows and issue forms of
// .github.
//
//	go test ./test/docs -run 'TestSettings|TestFiles|TestDictionary' -update    writes the tables of settings and columns and the configurations of load balancers
package docs_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	root   = "../.." // of the module
	module = "github.com/cioevents/cioevents"
	file   = "docs/configuration.md"
)

var update = flag.Bool("update", false, "write the generated parts into the documents")

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	text := read(t, file)
	want, err := fill(text, tables())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(root, file), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("run \"make docs\": %s (-want +got):\n%s", file, diff)
	}
}

// TestMainsDeclareNothingElse checks that a main declares only the groups of settings
// that settings() knows. The tables would lack any other setting.
func TestMainsDeclareNothingElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"cmd/ingest/main.go", "cmd/worker/main.go"} {
		if n := strings.Count(read(t, path), ".Declare"); n != 1 {
			t.Errorf("%s declares %d groups of settings, want 1: settings() in test/docs knows the program's", path, n)
		}
	}
}

func TestFillWantsEveryTableOnce(t *testing.T) {
	t.Parallel()
	one := "a\n<!-- generated: ingest -->\nold\n<!-- end -->\nb\n"
	got, err := fill(one, map[string][]setting{"ingest": {{
		Name: "A_B", Flag: "--a-b", Default: "1|2", About: "a|b of A_<X>_B at /x, see docs/a-b.md",
	}}})
	want := "a\n<!-- generated: ingest -->\n" + heading +
		"| `A_B` | `--a-b` | `1\\|2` | a\\|b of `A_<X>_B` at `/x`, see [a-b.md](a-b.md) |\n<!-- end -->\nb\n"
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("fill: %v (-want +got):\n%s", err, diff)
	}
	for name, tables := range map[string]map[string][]setting{
		"a table without a place": {"ingest": nil, "worker": nil},
		"a place without a table": {},
	} {
		if _, err := fill(one, tables); err == nil {
			t.Errorf("%s: fill returned no error", name)
		}
	}
	if _, err := fill(one+one, map[string][]setting{"ingest": nil}); err == nil {
		t.Error("two places for one table: fill returned no error")
	}
}
