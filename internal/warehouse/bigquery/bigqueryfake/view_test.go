package bigqueryfake_test

import (
	"testing"

	"cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestViewShowsOneRowOfEachKey(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	rows := [][]byte{
		event("a"), event("a").number(2, 7), event("a").number(2, 5),
		event("b").number(4, 1), event("b").number(4, 2), event("b").number(4, 1),
	}
	if a := e.send(t, rows); a.err != nil {
		t.Fatal(a.err)
	}
	const query = "SELECT * FROM `p.d.events`\nWHERE TRUE\nQUALIFY ROW_NUMBER() OVER "
	for name, c := range map[string]struct {
		window string
		want   []any // campaign_id of the shown rows
	}{
		"null":       {"(PARTITION BY event_id ORDER BY campaign_id) = 1", []any{nil, nil}},
		"null_last":  {"(PARTITION BY event_id ORDER BY campaign_id IS NULL, campaign_id) = 1", []any{int64(5), nil}},
		"null_equal": {"(PARTITION BY `timestamp` ORDER BY campaign_id IS NULL, campaign_id) = 1", []any{int64(5), nil, nil}},
	} {
		if err := e.client.Dataset("d").Table(name).Create(t.Context(), &bigquery.TableMetadata{ViewQuery: query + c.window}); err != nil {
			t.Fatal(err)
		}
		seen, err := e.server.View("p", "d", name)
		if err != nil {
			t.Fatal(err)
		}
		var got []any
		for _, row := range seen {
			got = append(got, row["campaign_id"])
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestViewsThatTheFakeCannotRun(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	if a := e.send(t, batch(1)); a.err != nil {
		t.Fatal(a.err)
	}
	for name, query := range map[string]string{
		"other":  "SELECT 1",
		"table":  "SELECT * FROM `events`\nWHERE TRUE\nQUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY campaign_id) = 1",
		"column": "SELECT * FROM `p.d.events`\nWHERE TRUE\nQUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY none) = 1",
	} {
		if err := e.client.Dataset("d").Table(name).Create(t.Context(), &bigquery.TableMetadata{ViewQuery: query}); err != nil {
			t.Fatal(err)
		}
		if rows, err := e.server.View("p", "d", name); err == nil {
			t.Errorf("%s: the view shows %v", name, rows)
		}
	}
	for _, name := range []string{"events", "none"} {
		if _, err := e.server.View("p", "d", name); err == nil {
			t.Errorf("%s is a view", name)
		}
	}
}
