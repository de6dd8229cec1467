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
	if want := 6 + 2 + 2*len(warehouse.Views()) + len(warehouse.RetiredViews()); len(statements) != want {
		t.Fatalf("there are %d statements; want %d", len(statements), want)
	}
	for i, name := range append([]string{warehouse.Events, warehouse.Names}, warehouse.Views()...) {
		view := p.Table(project, dataset, name)
		want := "CREATE OR REPLACE VIEW `proj.messaging." + name + "`\nOPTIONS (labels = [('cioevents_views', '" + view.Labels["cioevents_views"] + "')]) AS\n" + view.View.Query
		if got := statements[6+i]; got != want {
			t.Errorf("statement is\n%s\nwant\n%s", got, want)
		}
	}
	if query := p.Table(project, dataset, warehouse.Settings).View.Query; !strings.HasSuffix(statements[5], "\n"+query) {
		t.Errorf("statement is\n%s\nwant the query\n%s", statements[5], query)
	}
	for i, columns := range [][]warehouse.Column{warehouse.NameColumns(), warehouse.RollupColumns()} {
		for _, c := range columns {
			if !strings.Contains(statements[3+i], "\n  `"+c.Name+"` ") {
				t.Errorf("statement %d lacks column %s", 3+i, c.Name)
			}
		}
	}
	if by := p.Table(project, dataset, warehouse.Rollup).TimePartitioning; by.Field != "day" || by.Type != "DAY" || !strings.Contains(statements[4], "\nPARTITION BY `day`\n") {
		t.Errorf("the rollup is partitioned by %+v and by\n%s", by, statements[4])
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

// Whatever reads the table reads some days only: the bill grows with the rows that a query
// reads. The view of rows is an exception, because a condition on the timestamp passes it.
func TestViewsAreBounded(t *testing.T) {
	t.Parallel()
	views, functions, counting := 0, 0, 0
	for _, s := range bigquery.Statements(project, dataset, "") {
		bounds := []string{"`timestamp` >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 400 DAY)"}
		name, _, _ := strings.Cut(s, "\n")
		switch {
		case strings.HasPrefix(s, "CREATE OR REPLACE TABLE FUNCTION"):
			bounds = []string{"`timestamp` >= TIMESTAMP(DATE_SUB(first_day, ", "`timestamp` < TIMESTAMP(DATE_ADD(last_day, "}
			functions++
		case strings.HasPrefix(s, "CREATE OR REPLACE VIEW") && !strings.Contains(name, warehouse.Events) && !strings.Contains(name, warehouse.Names):
			views++
		default:
			continue
		}
		_, query, _ := strings.Cut(s, "\n")
		for _, bound := range bounds {
			if reads := strings.Count(query, bigquery.Raw); strings.Count(query, bound) != reads {
				t.Errorf("%s reads the table %d times, not always within %s", name, reads, bound)
			}
		}
		// A window over bounded rows finds late webhooks; the bound above stands in it.
		if strings.Contains(query, warehouse.Events+"`") || strings.Count(query, " OVER ") != strings.Count(query, " AS told FROM ") {
			t.Errorf("%s reads the view of rows, or has a window over them", name)
		}
		// A backfilled event counts until a webhook has told of the metric.
		late := strings.Count(query, "(shape IS DISTINCT FROM 'backfill' OR NOT told)")
		if counting += late; late != strings.Count(query, " AS told FROM ") {
			t.Errorf("%s counts backfilled events beside late webhooks", name)
		}
	}
	if counting != 2*3 { // deliveries, activity_daily and bounces
		t.Errorf("%d views and functions leave out backfilled events", counting)
	}
	if want := len(warehouse.Views()); views != want || functions != want {
		t.Errorf("there are %d views and %d functions; want %d of each", views, functions, want)
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
	view := condition(bigquery.Statements(project, dataset, "")[6])
	if !strings.Contains(got, view) {
		t.Errorf("the script does not keep the rows of the view, which are by %s:\n%s", view, got)
	}
}

// condition returns the condition of a view that selects one row of each event.
func condition(view string) string {
	_, text, _ := strings.Cut(view, "QUALIFY ")
	return text
}
