package bigquerytest

import (
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A table is copied once after each change of its rows, and not for each question: copies
// of 300,000 rows for each question took the memory of the machine.
func TestOneCopyOfUnchangedRows(t *testing.T) {
	t.Parallel()
	server := Start(t, bigqueryfake.Config{})
	client, err := bigquery.NewClient(t.Context(), "p", option.WithEndpoint(server.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Dataset("d").Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	table := client.Dataset("d").Table("events")
	if err := table.Create(t.Context(), &bigquery.TableMetadata{Schema: bigquery.Schema{{Name: "event_id", Type: bigquery.StringFieldType}}}); err != nil {
		t.Fatal(err)
	}
	c := copies{dir: t.TempDir(), last: map[string]fileCopy{}}
	ask := func() string {
		t.Helper()
		columns := []warehouse.Column{{Name: "event_id", Type: warehouse.Text}}
		if _, err := c.attach(t.Context(), bigqueryfake.Query{Server: server, Project: "p", Dataset: "d"}, "events", columns); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(c.dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("files %v, %v; want one", files, err)
		}
		return filepath.Base(files[0].Name())
	}
	empty := ask()
	if again := ask(); again != empty {
		t.Errorf("a copy of unchanged rows: %s after %s", again, empty)
	}
	if err := table.Inserter().Put(t.Context(), &bigquery.ValuesSaver{Schema: bigquery.Schema{{Name: "event_id", Type: bigquery.StringFieldType}}, Row: []bigquery.Value{"e1"}}); err != nil {
		t.Fatal(err)
	}
	if changed := ask(); changed == empty {
		t.Error("no copy of changed rows")
	}
}
