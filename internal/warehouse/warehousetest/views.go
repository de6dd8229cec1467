package warehousetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A view has the rows that one view must show of the fixture, one row a line. Spaces
// separate the values, and no text has a space. The order of lines does not matter.
type view struct {
	name    string
	columns string
	want    string
}

// Views writes the rows of fixtureRows into the warehouse and checks the numbers of
// every view, also in another time zone. The function query runs one SELECT and returns the rows. Views in the
// SELECT have no schema, and numbers may have any type.
//
// All numbers were calculated by hand from the comments in fixtureRows, not copied
// from a warehouse.
func Views(t *testing.T, w Warehouse, query func(t *testing.T, sql string) [][]any) {
	t.Helper()
	p := suite{t: t, Warehouse: w}
	sink := p.open()
	for range 2 { // repeats must not count
		p.checkRejected(p.write(sink, fixtureRows()))
	}
	notes := notesOf(t, sink)
	if err := notes.PutNames(t.Context(), "default", fixtureNames); err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, v := range views {
		tested[v.name] = true
		t.Run(v.name, func(t *testing.T) { v.check(t, query) })
	}
	if err := notes.SetTimezone(t.Context(), "America/New_York"); err != nil {
		t.Fatal(err)
	}
	for _, v := range viewsInNewYork {
		t.Run(v.name+" in New York", func(t *testing.T) { v.check(t, query) })
	}
	for _, name := range warehouse.Views() {
		if !tested[name] && !slices.ContainsFunc(healthViews, func(v view) bool { return strings.HasPrefix(v.name, name) }) {
			t.Errorf("the suite has no numbers for view %s", name)
		}
	}
}

func (v *view) check(t *testing.T, query func(*testing.T, string) [][]any) {
	t.Helper()
	var got []string
	for _, row := range query(t, fmt.Sprintf("SELECT %s FROM %s", v.columns, v.name)) {
		values := make([]string, len(row))
		for i := range row {
			values[i] = text(row[i])
		}
		got = append(got, strings.Join(values, " "))
	}
	var want []string
	for line := range strings.Lines(strings.TrimSpace(v.want)) {
		want = append(want, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("SELECT %s\ngot\n\t%s\nwant\n\t%s", v.columns, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// text formats a value like the wanted rows: a time of the fixture's first day without
// the date, a number with up to three decimals.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		v = v.UTC()
		if midnight := v.Truncate(24 * time.Hour); v.Equal(midnight) {
			return v.Format(time.DateOnly)
		}
		return strings.TrimPrefix(v.Format("01-02T15:04:05"), "09-01T")
	case float64:
		return strconv.FormatFloat(float64(int64(v*1000+0.5))/1000, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}
