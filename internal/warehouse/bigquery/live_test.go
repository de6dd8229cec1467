package bigquery_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
)

// TestLive runs the assertions against Google's BigQuery, and the SQL that no other
// test runs. BIGQUERY_LIVE_TEST=PROJECT.DATASET names a dataset. The dataset does not
// need to exist: each test creates its own dataset, whose name begins with DATASET, and
// deletes it. The account needs roles/bigquery.user and roles/bigquery.dataEditor on
// the project.
func TestLive(t *testing.T) {
	t.Parallel()
	project, dataset, found := strings.Cut(os.Getenv("BIGQUERY_LIVE_TEST"), ".") //nolint:forbidigo // The environment is the only input of a test.
	if !found {
		t.Skip("BIGQUERY_LIVE_TEST=PROJECT.DATASET is not set: the fake is not compared with Google's BigQuery")
	}
	for name, check := range assertions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, newLive(t, project, dataset))
		})
	}
	t.Run("statements", func(t *testing.T) {
		t.Parallel()
		liveStatements(t, newLive(t, project, dataset))
	})
}

// A live is a dataset of Google's BigQuery.
type live struct {
	bigquery.Config
	client *bq.Client
}

func newLive(t *testing.T, project, dataset string) *live {
	t.Helper()
	client, err := bq.NewClient(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{client: client, Config: bigquery.Config{
		Project: project, Dataset: fmt.Sprintf("%s_%x", dataset, time.Now().UnixNano()), Timeout: time.Minute,
	}}
	t.Cleanup(func() {
		if err := client.Dataset(l.Dataset).DeleteWithContents(t.Context()); err != nil {
			t.Logf("dataset %s was not deleted: %v", l.Dataset, err)
		}
		_ = client.Close()
	})
	return l
}

func (l *live) Sink(t *testing.T) warehouse.Sink {
	t.Helper()
	return newSink(t, l.Config)
}

func (l *live) Read(t *testing.T) []map[string]any {
	t.Helper()
	return l.query(t, "SELECT * FROM `"+l.Project+"."+l.Dataset+"."+warehouse.Events+"`")
}

func (l *live) query(t *testing.T, statement string) []map[string]any {
	t.Helper()
	found, err := l.client.Query(statement).Read(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	var out []map[string]any
	for {
		var row map[string]bq.Value
		switch err := found.Next(&row); {
		case errors.Is(err, iterator.Done):
			return out
		case err != nil:
			t.Fatal(err)
		}
		values := map[string]any{}
		for name, v := range row {
			values[name] = v
		}
		out = append(out, values)
	}
}

// liveStatements creates the table and the views with the printed SQL, queries each view,
// and compacts a day.
func liveStatements(t *testing.T, l *live) {
	t.Helper()
	for range 2 {
		for _, s := range bigquery.Statements(l.Project, l.Dataset, "") {
			l.query(t, s)
		}
	}
	sink := openTarget(t, l) // Open accepts the table of the printed SQL
	batch := rows(t, 0, 500)
	write(t, sink, batch)
	write(t, sink, batch)
	for _, name := range warehouse.Views() {
		l.query(t, "SELECT * FROM `"+l.Project+"."+l.Dataset+"."+name+"`")
	}
	l.query(t, bigquery.CompactDay(l.Project, l.Dataset, batch[0].Timestamp))
	wantRows(t, l, batch)
}
