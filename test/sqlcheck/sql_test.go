package sqlcheck_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/test/sqlcheck"
)

const project, dataset = "my-project", "messaging"

// prepared returns an analyzer that knows the product's tables and views.
func prepared(t *testing.T) *sqlcheck.Analyzer {
	t.Helper()
	a, err := sqlcheck.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range bigquery.Statements(project, dataset, "EU") {
		if err := a.Run(sql); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	}
	return a
}

func TestStatements(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	for _, view := range append(warehouse.Views(), warehouse.Events) {
		if err := a.Run("SELECT * FROM `" + project + "." + dataset + "." + view + "`"); err != nil {
			t.Errorf("%s: %v", view, err)
		}
	}
}

// Views and table functions have the columns of the dictionary, with types.
func TestDictionary(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	types := map[warehouse.Type]string{
		warehouse.Text: "STRING", warehouse.Integer: "INT64", warehouse.Boolean: "BOOL",
		warehouse.Timestamp: "TIMESTAMP", warehouse.Float: "DOUBLE", warehouse.Date: "DATE",
	}
	for _, v := range warehouse.Dictionary() {
		var want []string
		for _, c := range v.Columns {
			want = append(want, c.Name+" "+types[c.Type])
		}
		for _, name := range []string{v.Name, v.Name + warehouse.Between} {
			if got, err := a.Columns(project + "." + dataset + "." + name); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s has the columns\n%q, %v; want\n%q", name, got, err, want)
			}
		}
	}
}

// The questions in docs/data.md are portable.
func TestQuestions(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	text, err := os.ReadFile("../../docs/data.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\b(customerio_\w+)(\([^)]*\))?`)
	for _, q := range strings.Split(string(text), "```sql\n")[1:] {
		sql, _, _ := strings.Cut(q, "\n```")
		if err := a.Run(name.ReplaceAllString(sql, "`"+project+"."+dataset+".$1`")); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}
}

var someDays = warehouse.Days{First: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Last: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)}

// The rollup writes the columns of its table, with their types, and its query is that of the
// function of deliveries.
func TestRollup(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	merge := bigquery.Rollup(project, dataset, someDays)
	if err := a.Run(merge); err != nil {
		t.Errorf("%v\n%s", err, merge)
	}
	for _, mistake := range []string{"deliveries, ", "s.workspace, "} {
		if err := a.Run(strings.Replace(merge, mistake, "", 1)); err == nil {
			t.Errorf("the rollup without %q is no mistake", mistake)
		}
	}
	got, want := rollupReads(t, a), deliveryReads(t, a)
	if len(got) != 1 || got[0].Before != want.Before || got[0].After != want.After || len(got[0].Columns) >= len(want.Columns) {
		t.Errorf("the rollup reads %+v; want fewer columns of %+v", got, want)
	}
}

// rollupReads returns what the rollup reads of the table of events.
func rollupReads(t *testing.T, a *sqlcheck.Analyzer) []sqlcheck.Read {
	t.Helper()
	_, source, _ := strings.Cut(bigquery.Rollup(project, dataset, someDays), "USING (\n")
	source, _, _ = strings.Cut(source, "\n) s\nON FALSE")
	reads, err := a.Reads(texts().inlineText(source))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(reads, func(r sqlcheck.Read) bool { return r.Table != raw })
}

func deliveryReads(t *testing.T, a *sqlcheck.Analyzer) sqlcheck.Read {
	t.Helper()
	reads, err := a.Reads(texts().inline(warehouse.Deliveries + warehouse.Between))
	if err != nil {
		t.Fatal(err)
	}
	return reads[slices.IndexFunc(reads, func(r sqlcheck.Read) bool { return r.Table == raw })]
}

func TestScripts(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	moments := map[string]string{"day_start": "TIMESTAMP '2026-11-30'", "day_end": "TIMESTAMP '2026-12-01'"}
	for name, sql := range map[string]string{
		"compact":  bigquery.CompactDay(project, dataset, time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)),
		"backfill": bigquery.Backfill(project, dataset),
	} {
		if err := a.RunScript(sql, moments); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The statements that find and erase a person are GoogleSQL.
func TestErasure(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	for _, sql := range bigquery.ErasureStatements(project, dataset) {
		if err := a.RunScript(sql, nil); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}
}

// The check reads the statements within a script.
func TestMistakesInScriptsAreFound(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	compact := bigquery.CompactDay(project, dataset, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC))
	backfill := bigquery.Backfill(project, dataset)
	for name, c := range map[string]struct{ sql, old, replacement, want string }{
		"condition": {compact, "GROUP BY workspace", "GROUP BY workspaces", "Unrecognized name: workspaces"},
		"MERGE":     {compact, "PARTITION BY workspace", "PARTITION BY workspaces", "Unrecognized name: workspaces"},
		"loop":      {backfill, "SELECT DISTINCT", "SELECT DISTINCT link,", "Unrecognized name: link"},
		"UPDATE":    {backfill, "reply_to_number = COALESCE", "reply_to_number = 5 + COALESCE", "No matching signature for operator +"},
		"syntax":    {compact, "END IF", "END", "Syntax error"},
	} {
		if err := a.RunScript(strings.Replace(c.sql, c.old, c.replacement, 1), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// A check that cannot fail checks nothing.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	const events = " FROM `my-project.messaging.customerio_events`"
	for name, c := range map[string]struct{ sql, want string }{
		"none":           {"SELECT event_id, DATE(`timestamp`)" + events, ""},
		"column":         {"SELECT event_idd" + events, "Unrecognized name: event_idd"},
		"column of view": {"SELECT sent_att FROM `my-project.messaging.customerio_deliveries`", "Unrecognized name: sent_att"},
		"type":           {"SELECT LOWER(received_at)" + events, "No matching signature for function LOWER"},
		"comparison":     {"SELECT 1" + events + " WHERE campaign_id = 'one'", "No matching signature for operator ="},
		"syntax":         {"SELECT event_id," + events + " WHERE", "Syntax error"},
		"function":       {"SELECT quantile_cont(campaign_id, 0.5)" + events, "Function not found: quantile_cont"},
		"table":          {"SELECT 1 FROM `my-project.messaging.none`", "Table not found"},
		"not grouped":    {"SELECT metric, COUNT(*)" + events, "neither grouped nor aggregated"},
	} {
		err := a.Run(c.sql)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}
