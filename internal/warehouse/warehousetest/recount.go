package warehousetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Recount writes the rows into the warehouse and compares every view with a count in Go,
// value by value. The count follows the definitions of the data dictionary, not the SQL,
// and days are in two time zones.
// Each view must have rows, except those in empty. Rows with equal keys must be equal. Percentiles are exact, as in DuckDB.
func Recount(t *testing.T, w Warehouse, rows []warehouse.Row, query func(t *testing.T, sql string) [][]any, empty ...string) {
	t.Helper()
	p := suite{t: t, Warehouse: w}
	sink := p.open()
	rows = append(slices.Clip(rows), backfilled(rows)...)
	for batch := range slices.Chunk(rows, 10_000) {
		p.checkRejected(p.write(sink, batch))
	}
	for _, zone := range []string{"UTC", "America/New_York"} {
		if err := notesOf(t, sink).SetTimezone(t.Context(), zone); err != nil {
			t.Fatal(err)
		}
		place, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		want := newCount(rows, place).views()
		for _, v := range warehouse.Dictionary() {
			t.Run(zone+" "+v.Name, func(t *testing.T) {
				if len(want[v.Name]) == 0 && !slices.Contains(empty, v.Name) {
					t.Error("the rows have nothing to count")
				}
				compareRows(t, query(t, "SELECT "+names(v)+" FROM "+v.Name), want[v.Name])
			})
		}
	}
}

func names(v warehouse.View) string {
	list := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		list[i] = c.Name
	}
	return strings.Join(list, ", ")
}

func compareRows(t *testing.T, got, want [][]any) {
	t.Helper()
	a, b := lines(got), lines(want)
	for i, n := 0, 0; (i < len(a) || i < len(b)) && n < maxDifferences; i++ {
		switch {
		case i >= len(a):
			t.Errorf("the view lacks %s", b[i])
		case i >= len(b):
			t.Errorf("the view has also %s", a[i])
		case a[i] == b[i]:
			continue
		default:
			t.Errorf("row %d is\n\t%s\nwant\n\t%s", i, a[i], b[i])
		}
		n++
	}
}

func lines(rows [][]any) []string {
	list := make([]string, len(rows))
	for i, row := range rows {
		values := make([]string, len(row))
		for j := range row {
			values[j] = text(row[j])
		}
		list[i] = strings.Join(values, " | ")
	}
	slices.Sort(list)
	return list
}

// A msg identifies the message of a delivery or an event.
type msg struct {
	workspace, object, source, sourceID string
	action, content                     int64
}

func messageOf(r *warehouse.Row) msg {
	return msg{r.Workspace, string(r.ObjectType), r.Source, r.SourceID, r.ActionID, r.ContentID}
}

// values returns the values of the key in a view, with more values after the workspace.
func (m msg) values(after ...any) []any {
	list := append([]any{m.workspace}, after...)
	return append(list, null(m.object), null(m.source), null(m.sourceID), null(m.action), null(m.content))
}

// A count is the rows of a warehouse, counted in Go.
type count struct {
	zone       *time.Location
	events     []*warehouse.Row // each event once, in any order
	deliveries []*delivery
}

func newCount(rows []warehouse.Row, zone *time.Location) *count {
	c := &count{zone: zone}
	seen, byID, told := map[warehouse.Key]bool{}, map[[2]string]*delivery{}, toldOf(rows)
	for i := range rows {
		r := &rows[i]
		if seen[r.Key()] || r.Shape == webhook.Backfill && told[metricOf(r)] {
			continue
		}
		seen[r.Key()] = true
		c.events = append(c.events, r)
		if r.DeliveryID == "" || r.Timestamp.IsZero() {
			continue
		}
		id := [2]string{r.Workspace, r.DeliveryID}
		if byID[id] == nil {
			byID[id] = &delivery{message: messageOf(r), id: r.DeliveryID, person: r.PersonID}
			c.deliveries = append(c.deliveries, byID[id])
		}
		if r.Metric != webhook.Drafted && r.Metric != webhook.Attempted { // these name no recipient
			byID[id].domain, byID[id].provider = r.Domain, r.Provider
		}
		byID[id].add(r)
	}
	return c
}

// day returns the day of a time, nil for no time.
func (c *count) day(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	y, m, d := t.In(c.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func byPerson(r *warehouse.Row) bool { return r.ByMachine == nil || !*r.ByMachine }

func isOpen(r *warehouse.Row) bool {
	return r.Metric == "opened" && byPerson(r) && (r.Synthetic == nil || !*r.Synthetic)
}

func isClick(r *warehouse.Row) bool { return r.Metric == "clicked" && byPerson(r) }

// null returns nil for a zero value, which is NULL in the table.
func null[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// of returns a share, nil without a whole.
func of(part, whole int64) any {
	if whole == 0 {
		return nil
	}
	return float64(part) / float64(whole)
}
