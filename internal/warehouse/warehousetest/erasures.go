package warehousetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// personal has the columns of views that an erasure changes, because they show a person's
// data or are counted from it. Each other column of the same views stays.
var personal = map[string][]string{
	warehouse.Deliveries: {"customer_id", "failure_message"},
	// The provider's refusal is in the failure_message only.
	warehouse.MailboxDaily:  {"blocked", "unauthenticated"},
	warehouse.MessageHealth: {"blocked", "unauthenticated", "blocked_rate", "blocked_status", "authentication_status", "status"},
}

const messageColumns = "workspace, object_type, source, source_id, action_id, content_id, name"

// summed has the statements for views whose rows depend on a personal column: the sums of
// the other columns stay.
var summed = map[string][]string{
	// A link without a number loses its name and URL, and its clicks count in the row of the
	// message without both.
	warehouse.Links: {
		"SELECT " + messageColumns + ", link_id, sum(human_clicks), sum(clicked_deliveries) FROM customerio_links WHERE link_id IS NOT NULL GROUP BY ALL",
		"SELECT " + messageColumns + ", sum(human_clicks) FROM customerio_links WHERE link_id IS NULL GROUP BY ALL",
	},
	warehouse.Bounces: {"SELECT day, " + messageColumns + ", recipient_domain, mailbox_provider, bounce_class, sum(bounces) FROM customerio_bounces GROUP BY ALL"},
	// A row of these views is a person's, and disappears: without customer_id nobody can tell
	// whose preferences changed, or who had opted out.
	warehouse.Preferences:     {},
	warehouse.SentAfterOptout: {},
}

// Erasures writes the rows, erases a fifth of the persons, and checks that no view changes
// except for the person's own data: an erasure keeps the ids of events and deliveries, and
// the derived columns.
func Erasures(t *testing.T, w Warehouse, rows []warehouse.Row, query func(t *testing.T, sql string) [][]any, store privacy.Store) {
	t.Helper()
	p := suite{t: t, Warehouse: w}
	p.checkRejected(p.write(p.open(), rows))
	before := snapshot(t, query)
	persons, theirs := someOf(rows)
	erased, err := store.Erase(t.Context(), persons, privacy.EraseOptions{})
	if err != nil || erased.Events == 0 || erased.Events != theirs {
		t.Fatalf("erased %+v, %v; want %d events", erased, err, theirs)
	}
	after := snapshot(t, query)
	for statement, want := range before {
		t.Run(statement, func(t *testing.T) {
			if len(want) == 0 {
				t.Error("the rows have nothing to count")
			}
			compareRows(t, after[statement], want)
		})
	}
	for _, view := range []string{warehouse.Deliveries, warehouse.Preferences} {
		if i := slices.IndexFunc(query(t, "SELECT DISTINCT customer_id FROM "+view), func(row []any) bool {
			return slices.ContainsFunc(persons, func(p privacy.Person) bool { return p.Identifiers[0].Value == row[0] })
		}); i >= 0 {
			t.Errorf("%s shows an erased person", view)
		}
	}
}

// snapshot returns the rows of statements about all views.
func snapshot(t *testing.T, query func(t *testing.T, sql string) [][]any) map[string][][]any {
	t.Helper()
	rows := map[string][][]any{}
	for _, v := range warehouse.Dictionary() {
		statements, special := summed[v.Name]
		if !special {
			names := strings.Split(names(v), ", ")
			names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(personal[v.Name], name) })
			statements = []string{fmt.Sprintf("SELECT %s FROM %s", strings.Join(names, ", "), v.Name)}
		}
		for _, s := range statements {
			rows[s] = query(t, s)
		}
	}
	return rows
}

// someOf returns a fifth of the persons with an id, and the number of their events.
func someOf(rows []warehouse.Row) (persons []privacy.Person, events int64) {
	chosen, seen := map[[2]string]bool{}, map[warehouse.Key]bool{}
	for i := range rows {
		r := &rows[i]
		who := [2]string{r.Workspace, r.PersonID}
		if _, known := chosen[who]; !known && r.PersonID != "" {
			chosen[who] = len(chosen)%5 == 0
			if chosen[who] {
				persons = append(persons, privacy.Person{Workspace: r.Workspace, Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: r.PersonID}}})
			}
		}
		if chosen[who] && !seen[r.Key()] {
			seen[r.Key()] = true
			events++
		}
	}
	return persons, events
}
