package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// TestDictionary compares the tables of columns in docs/data.md with the code.
func TestDictionary(t *testing.T) {
	t.Parallel()
	const document = "docs/data.md"
	text := read(t, document)
	want := generated.ReplaceAllString(text, "${1}"+strings.ReplaceAll(dictionary(), "$", "$$")+"$3")
	if *update {
		if err := os.WriteFile(filepath.Join(root, document), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("run \"make docs\": %s (-want +got):\n%s", document, diff)
	}
}

func dictionary() string {
	var b strings.Builder
	section(&b, warehouse.Events, "A row is an event.", warehouse.Columns())
	for _, v := range warehouse.Dictionary() {
		section(&b, v.Name, v.About, v.Columns)
	}
	section(&b, warehouse.Rollup, "A row is a message at a mailbox provider on the day on which it was sent, as `cioctl warehouse rollup` has counted it.", warehouse.RollupColumns())
	section(&b, warehouse.Names, "A row is the name of a source, an action or a variant.", warehouse.NameColumns())
	section(&b, warehouse.Settings, "One row.", warehouse.SettingColumns())
	return b.String()
}

func section(b *strings.Builder, name, about string, columns []warehouse.Column) {
	types := []string{"text", "integer", "boolean", "timestamp", "JSON", "float", "date"}
	fmt.Fprintf(b, "### %s\n\n%s\n\n| column | type | meaning |\n| --- | --- | --- |\n", name, about)
	for _, c := range columns {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name, types[c.Type], escape(c.About))
	}
	b.WriteString("\n")
}
