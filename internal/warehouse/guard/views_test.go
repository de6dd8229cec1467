package guard_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// shown has the columns of views that show a hashed or dropped column.
var shown = []string{"customer_id", "cio_id", "failure_message", "link_name", "url"}

// Every view has the same numbers under the strictest policy.
func TestViewsUnderAPolicy(t *testing.T) {
	t.Parallel()
	plain, hashed := simulated(t), simulated(t)
	p := policy(t, strictest)
	for i := range hashed {
		if !p.Apply(&hashed[i]) {
			t.Fatalf("row %d is not changed", i)
		}
	}
	want, got := values(t, plain), values(t, hashed)
	for _, v := range warehouse.Views() {
		if want[v] == "" {
			t.Errorf("%s is empty: the test shows nothing about it", v)
		}
		if diff := cmp.Diff(strings.Split(want[v], "\n"), strings.Split(got[v], "\n")); diff != "" {
			t.Errorf("%s (-plain +policy):\n%.2000s", v, diff)
		}
	}
}

// A column that may not be dropped changes the numbers of exactly the views that the mistake
// names. The other columns together change none.
func TestColumnsThatViewsNeed(t *testing.T) {
	t.Parallel()
	want := values(t, viewRows(t))
	var free []warehouse.Column
	for _, c := range warehouse.Columns() {
		if !c.Personal {
			continue
		}
		_, err := guard.ParsePolicy("p", fmt.Appendf(nil, "version: 1\ncolumns: {%s: drop}\npayload: drop", c.Name), secret)
		if err == nil {
			free = append(free, c)
			continue
		}
		for v, lines := range without(t, c) {
			if refused := strings.Contains(err.Error(), v); refused != (lines != want[v]) {
				t.Errorf("without %s the view %s changes: %v; the mistake: %v", c.Name, v, !refused, err)
			}
		}
	}
	if diff := cmp.Diff(want, without(t, free...)); diff != "" {
		t.Errorf("the views need a column that may be dropped (-with +without):\n%.2000s", diff)
	}
}

// without returns the views without the values of columns.
func without(t *testing.T, columns ...warehouse.Column) map[string]string {
	t.Helper()
	rows := viewRows(t)
	for i := range rows {
		for _, c := range columns {
			*c.Field(&rows[i]) = ""
		}
	}
	return values(t, rows)
}

// simulated returns events of all kinds.
func simulated(t *testing.T) []warehouse.Row {
	t.Helper()
	rows := viewRows(t)
	for body := range warehousetest.Simulation().Events() {
		r := rowOf(t, body)
		r.EventID = fmt.Sprint("s", len(rows))
		rows = append(rows, r)
	}
	return rows
}

// viewRows returns mail after opt-outs, and events with which each column matters to its
// views: a person with two addresses, links without an id, a change of preferences.
func viewRows(t *testing.T) []warehouse.Row {
	t.Helper()
	rows := warehousetest.HealthRows()
	for i, body := range []string{
		`{"object_type":"customer","metric":"unsubscribed","timestamp":1760000000,"data":{"identifiers":{"id":"a1"},"email_address":"one@mail.example"}}`,
		`{"object_type":"email","metric":"sent","timestamp":1760400000,"data":{"identifiers":{"id":"a1"},"recipient":"two@mail.example","delivery_id":"v1","campaign_id":7}}`,
		`{"object_type":"email","metric":"clicked","timestamp":1760400001,"data":{"identifiers":{"id":"a1"},"delivery_id":"v1","campaign_id":7,"href":"https://x.example/a?p=1"}}`,
		`{"object_type":"email","metric":"clicked","timestamp":1760400002,"data":{"identifiers":{"id":"a1"},"delivery_id":"v1","campaign_id":7,"href":"https://x.example/b"}}`,
		`{"object_type":"email","metric":"clicked","timestamp":1760400003,"data":{"identifiers":{"id":"a1"},"delivery_id":"v1","campaign_id":7,"href":"https://x.example/a","link_id":"top"}}`,
		`{"object_type":"email","metric":"clicked","timestamp":1760400004,"data":{"identifiers":{"id":"a1"},"delivery_id":"v1","campaign_id":7,"href":"https://x.example/a","link_id":"end"}}`,
		`{"metric":"cio_subscription_preferences_changed","timestamp":1760400005,"data":{"identifiers":{"id":"a1"},"content":"{\"topics\":{\"topic_1\":true}}"}}`,
	} {
		r := rowOf(t, []byte(body))
		r.EventID = fmt.Sprint("v", i)
		rows = append(rows, r)
	}
	return rows
}

// values returns the rows of each view, without the columns that show a person.
func values(t *testing.T, rows []warehouse.Row) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink, err := duckdb.New(duckdb.Config{Path: path, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, rows)
	reader, err := duckdb.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	all := map[string]string{}
	for _, v := range warehouse.Dictionary() {
		var names []string
		for _, c := range v.Columns {
			if !slices.Contains(shown, c.Name) {
				names = append(names, c.Name)
			}
		}
		result, err := reader.Query(t.Context(), "SELECT "+strings.Join(names, ", ")+" FROM "+v.Name+" ORDER BY ALL")
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for row, err := range result.Each {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(row...))
		}
		all[v.Name] = strings.Join(lines, "\n")
	}
	return all
}
