package report_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A timeline has the events of one person of one workspace over all channels, each once,
// the newest first.
func TestTimeline(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, time.October, 2, 12, 0, 0, 0, time.UTC)
	key, err := privacy.NewKey("k1", []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	var list []warehouse.Row
	add := func(id string, days int, e webhook.Event) {
		e.ID, e.OccurredAt, e.Raw = id, now.AddDate(0, 0, -days), []byte(`{"a":1}`)
		list = append(list, warehouse.NewRow(&e, warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: now.AddDate(0, 0, -days), Sequence: uint64(len(list) + 1)}))
	}
	ann := webhook.Identifiers{ID: "u'1", Email: "Ann@example.com", CioID: "cio_a1"}
	add("mail", 3, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Sent, DeliveryID: "d1", Identifiers: ann, Recipient: "boss@example.com"})
	add("push", 1, webhook.Event{ObjectType: webhook.Push, Metric: webhook.Opened, DeliveryID: "d2", Identifiers: ann})
	add("text", 2, webhook.Event{ObjectType: webhook.SMS, Metric: webhook.Sent, DeliveryID: "d3", Identifiers: webhook.Identifiers{ID: "u'1"}, Recipient: "+15550100"})
	add("nobody", 4, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Bounced, DeliveryID: "d4", Recipient: "ann@example.com"})
	add("old", 50, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Sent, DeliveryID: "d5", Identifiers: ann})
	add("boss", 1, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Sent, DeliveryID: "d6", Identifiers: webhook.Identifiers{ID: "u2"}, Recipient: "ann@example.com"})
	add("zero", 2, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Sent, DeliveryID: "d\x007", Identifiers: webhook.Identifiers{ID: "u\x001", Email: "A\x00@example.com"}})
	add("other zero", 2, webhook.Event{ObjectType: webhook.Email, Metric: webhook.Sent, DeliveryID: "d\x008", Identifiers: webhook.Identifiers{ID: "u\x002", Email: "a\x00b@example.com"}})
	hashed := list[0]
	hashed.EventID, hashed.PersonID, hashed.Identifiers = "hashed", key.Hash("u'1"), webhook.Identifiers{}
	list = append(list, hashed)
	person := func(kind privacy.Kind, value string) report.TimelineFilter {
		id, err := privacy.ParseIdentifier(kind, value)
		if err != nil {
			t.Fatal(err)
		}
		return report.TimelineFilter{Workspace: "default", Person: id, Limit: 10}
	}
	withKey, other, first := person(privacy.ID, "u'1"), person(privacy.ID, "u'1"), person(privacy.ID, "u'1")
	withKey.Key, other.Workspace, first.Limit = &key, "other", 1
	for kind, reader := range readersOf(t, list) {
		for name, tt := range map[string]struct {
			filter report.TimelineFilter
			days   int
			want   []string
		}{
			"id":              {person(privacy.ID, "u'1"), 30, []string{"push", "text", "mail"}},
			"email":           {person(privacy.Email, "ANN@example.com"), 30, []string{"push", "mail", "nobody"}},
			"wildcards":       {person(privacy.Email, "a%@example.com"), 30, nil},
			"a wildcard":      {person(privacy.Email, "_nn@example.com"), 30, nil},
			"cio_id":          {person(privacy.CioID, "a1"), 30, []string{"push", "mail"}},
			"phone":           {person(privacy.Phone, "+15550100"), 30, []string{"text"}},
			"all days":        {person(privacy.CioID, "cio_a1"), 0, []string{"push", "mail", "old"}},
			"NUL":             {person(privacy.ID, "u\x001"), 30, []string{"zero"}},
			"NUL in an email": {report.TimelineFilter{Workspace: "default", Person: privacy.Identifier{Kind: privacy.Email, Value: "a\x00@example.com"}, Limit: 10}, 30, []string{"zero"}},
			"NUL delivery":    {report.TimelineFilter{Workspace: "default", Delivery: "d\x007", Limit: 10}, 30, []string{"zero"}},
			"NUL workspace":   {report.TimelineFilter{Workspace: "default\x00", Delivery: "d4", Limit: 10}, 30, nil},
			"no UTF-8":        {report.TimelineFilter{Workspace: "default", Delivery: "d4\xff", Limit: 10}, 30, nil},
			"delivery":        {report.TimelineFilter{Workspace: "default", Delivery: "d4", Limit: 10}, 30, []string{"nobody"}},
			"other workspace": {other, 30, nil},
			"limit":           {first, 30, []string{"push"}},
			"hashed":          {withKey, 30, []string{"push", "text", "hashed", "mail"}},
		} {
			got, err := report.Timeline(t.Context(), report.Config{Reader: reader, Now: now, Days: tt.days, Rows: rowsOf[kind]}, tt.filter)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, name, err)
			}
			var ids []string
			for _, e := range got {
				ids = append(ids, e.EventID)
			}
			slices.Sort(tt.want)
			if sorted := slices.Sorted(slices.Values(ids)); !slices.Equal(sorted, tt.want) {
				t.Errorf("%s, %s: %q, want %q", kind, name, ids, tt.want)
			}
			if !slices.IsSortedFunc(got, func(a, b report.TimelineEvent) int { return b.At.Compare(a.At) }) {
				t.Errorf("%s, %s: not the newest first: %s", kind, name, fmt.Sprint(ids))
			}
		}
	}
}

// The error of a search does not repeat the statement, which has the identifier. The kind of
// fault: an error of DuckDB shows a piece of the statement, and the identifier reaches a log.
func TestTimelineErrorHasNoIdentifier(t *testing.T) {
	t.Parallel()
	for kind, reader := range readersOf(t, nil) {
		_, err := report.Timeline(t.Context(), report.Config{Reader: reader, Rows: "(SELECT event_id, workspace FROM " + rowsOf[kind] + ")"}, report.TimelineFilter{
			Workspace: "default", Person: privacy.Identifier{Kind: privacy.ID, Value: "ann-4711"}, Limit: 10,
		})
		if _, missing := errors.AsType[*warehouse.MissingNameError](err); !missing || strings.Contains(err.Error(), "LINE") || strings.Contains(err.Error(), "ann-4711") {
			t.Errorf("%s: %v; want a MissingNameError without the statement", kind, err)
		}
	}
}

// BenchmarkTimeline searches for a person, as the console's page does: opening, query and
// closing. CIOEVENTS_TEST_EVENTS is the number of events.
func BenchmarkTimeline(b *testing.B) {
	path, now := benchmarkFile(b)
	for name, filter := range map[string]report.TimelineFilter{
		"id":       {Person: privacy.Identifier{Kind: privacy.ID, Value: "u-77"}},
		"email":    {Person: privacy.Identifier{Kind: privacy.Email, Value: "person-77@example.com"}},
		"delivery": {Delivery: "none"},
	} {
		filter.Workspace, filter.Limit = "default", 200
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := duckdb.OpenReader(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				list, err := report.Timeline(b.Context(), report.Config{Reader: r, Now: now, Days: 90, Rows: warehouse.Events}, filter)
				if err := errors.Join(err, r.Close()); err != nil || filter.Delivery == "" && len(list) == 0 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}
