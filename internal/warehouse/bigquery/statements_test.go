package bigquery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// Statements prints the same views that Open creates.
func TestStatementsAreWhatOpenDoes(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	open(t, p.config())
	statements := bigquery.Statements(project, dataset, "")
	if want := 5 + 2 + len(warehouse.Views()); len(statements) != want {
		t.Fatalf("there are %d statements; want %d", len(statements), want)
	}
	for i, name := range append([]string{warehouse.Events, warehouse.Names}, warehouse.Views()...) {
		view := p.Table(project, dataset, name)
		want := "CREATE OR REPLACE VIEW `proj.messaging." + name + "`\nOPTIONS (labels = [('cioevents_views', '" + view.Labels["cioevents_views"] + "')]) AS\n" + view.View.Query
		if got := statements[5+i]; got != want {
			t.Errorf("statement is\n%s\nwant\n%s", got, want)
		}
	}
	if query := p.Table(project, dataset, warehouse.Settings).View.Query; !strings.HasSuffix(statements[4], "\n"+query) {
		t.Errorf("statement is\n%s\nwant the query\n%s", statements[4], query)
	}
	for _, c := range warehouse.NameColumns() {
		if !strings.Contains(statements[3], "\n  `"+c.Name+"` ") {
			t.Errorf("CREATE TABLE of names lacks column %s", c.Name)
		}
	}
	for _, c := range warehouse.Columns() {
		if !strings.Contains(statements[1], "\n  `"+c.Name+"` ") {
			t.Errorf("CREATE TABLE lacks column %s", c.Name)
		}
		if added := strings.Contains(statements[2], " `"+c.Name+"` "); added == c.Required {
			t.Errorf("ALTER TABLE adds column %s: %t, want %t", c.Name, added, !c.Required)
		}
	}
}

func TestCompactDay(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 1, 23, 30, 0, 0, time.FixedZone("", -3600))
	got := bigquery.CompactDay(project, dataset, day)
	const within = "t.`timestamp` >= TIMESTAMP '2026-11-02' AND t.`timestamp` < TIMESTAMP '2026-11-03'"
	if strings.Count(got, within) != 3 || strings.Count(got, "`proj.messaging.customerio_events_raw`") != 3 {
		t.Errorf("the script does not check, read and delete one day:\n%s", got)
	}
	check, _, _ := strings.Cut(got, "MERGE")
	if !strings.HasPrefix(check, "IF EXISTS (") || !strings.Contains(check, "HAVING COUNT(*) > 1") {
		t.Errorf("the script rewrites a day without repeated rows:\n%s", got)
	}
	// A compaction keeps the rows that the view shows.
	view := condition(bigquery.Statements(project, dataset, "")[5])
	if !strings.Contains(got, view) {
		t.Errorf("the script does not keep the rows of the view, which are by %s:\n%s", view, got)
	}
}

// condition returns the condition of a view that selects one row of each event.
func condition(view string) string {
	_, text, _ := strings.Cut(view, "QUALIFY ")
	return text
}
