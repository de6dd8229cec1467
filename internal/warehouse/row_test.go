package warehouse_test

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The table is read by others: each value stays in its column.
func TestColumnsOfRow(t *testing.T) {
	t.Parallel()
	occurred, received := time.Unix(1_760_000_000, 0).UTC(), time.Unix(1_760_000_001, 0).UTC()
	row := warehouse.NewRow(&webhook.Event{
		ID: "body id", Metric: webhook.Bounced, ObjectType: webhook.Email, OccurredAt: occurred, Shape: webhook.Nested,
		Identifiers: webhook.Identifiers{ID: "ann", Email: "ann@example.org", CioID: "cio"},
		DeliveryID:  "delivery", Recipient: "ann@example.com", Subject: "subject",
		CampaignID: 1, BroadcastID: 2, NewsletterID: 3, TransactionalMessageID: 4, TransactionalMessage: "4", ActionID: 5, ParentActionID: 6, ContentID: 7,
		TemplateID: "template", TriggerID: "trigger", TriggerEventID: "trigger event", JourneyID: "journey",
		Href: "href", LinkID: 8, LinkName: "link", InboundEventID: "inbound", To: "+1", Recipients: []webhook.Recipient{{DeviceID: "device"}},
		TrackedResponse: "response", FailureMessage: "550 5.1.1",
		Proxied: new(true), Prefetched: new(false), Synthetic: new(true), Machine: new(true),
		Content: "content", Headers: map[string][]string{"A": {"b"}}, Raw: []byte("{}"),
	}, warehouse.Origin{EventID: "event", Workspace: "acme", ReceivedAt: received, Sequence: 9})
	row.Preferences, row.PayloadAltered, row.ErasedAt = "[]", new(true), received.Add(time.Hour)
	if row.Content != "" || row.Headers != nil {
		t.Error("the row keeps the message's content or headers, which no column has")
	}
	want := []any{
		"event", "bounced", "ann", "ann@example.com", "delivery", int64(1), "template", "href", occurred, received,
		"acme", "email", "cio", "ann@example.com", "subject", int64(2), int64(3), int64(4), int64(5), int64(6), int64(7),
		"trigger", "trigger event", "journey", int64(8), "response", "550 5.1.1", false, true, false, true, "nested", int64(9), "{}",
		"campaign", "1", "4", "link", "hard", "example.com", "other", "ann@example.org", `[{"device_id":"device"}]`, "inbound", "+1", "[]", true, received.Add(time.Hour),
	}
	if diff := cmp.Diff(want, values(&row)); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func values(r *warehouse.Row) []any {
	var list []any
	for _, c := range warehouse.Columns() {
		list = append(list, warehousetest.Value(&c, r))
	}
	return list
}

// What the body does not say in one field is derived from several.
func TestDerived(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event webhook.Event
		want  warehouse.Derived
	}{
		"nothing":             {webhook.Event{}, warehouse.Derived{}},
		"subscription":        {webhook.Event{EmailAddress: "a@x.example", ObjectType: webhook.Push, Recipient: "b@x.example"}, warehouse.Derived{Address: "a@x.example"}},
		"no address":          {webhook.Event{EmailAddress: "a", Identifiers: webhook.Identifiers{Email: "b@x.example"}}, warehouse.Derived{}},
		"time in year 10,000": {webhook.Event{OccurredAt: time.Date(10_000, time.January, 1, 0, 0, 0, 0, time.UTC)}, warehouse.Derived{}},
		"machine's click":     {webhook.Event{Machine: new(true)}, warehouse.Derived{ByMachine: new(true)}},
	} {
		if diff := cmp.Diff(c.want, warehouse.NewRow(&c.event, warehouse.Origin{}).Derived); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestColumnsThatNeedJudgement(t *testing.T) {
	t.Parallel()
	for _, b := range warehousetest.Bodies() {
		row, err := b.Row()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range warehouse.Columns() {
			want, ok := b.Columns[c.Name]
			if got := warehousetest.Value(&c, &row); ok && !cmp.Equal(got, want) {
				t.Errorf("%s: column %s is %v; want %v", b.Name, c.Name, got, want)
			}
		}
	}
}

// A worker writes new rows into the memory of an earlier batch.
func TestParseReplacesTheRow(t *testing.T) {
	t.Parallel()
	origin := warehouse.Origin{EventID: "event", Workspace: "acme", ReceivedAt: time.Unix(1_760_000_000, 0)}
	reused := warehouse.Row{ErasedAt: time.Unix(1, 0)}
	for _, p := range webhooktest.Payloads() {
		for _, body := range [][]byte{p.Body, []byte(`{}`), []byte(`{"data":{"subject":"\ud800"}}`)} {
			e, err := webhook.Parse(body)
			if err != nil {
				t.Fatal(err)
			}
			if err := reused.Parse(body, origin); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(warehouse.NewRow(e, origin), reused, cmpopts.IgnoreUnexported(warehouse.Row{})); diff != "" {
				t.Errorf("%s (-NewRow +Parse):\n%s", p.Name, diff)
			}
		}
	}
}

// FuzzTexts checks that the texts of a parsed row, which sinks do not check, are UTF-8.
func FuzzTexts(f *testing.F) {
	for _, p := range webhooktest.Payloads() {
		f.Add(p.Body, "event", "acme")
		f.Add(bytes.ReplaceAll(p.Body, []byte("e"), []byte("\xff")), "event", "acme")
		f.Add(bytes.ReplaceAll(p.Body, []byte(`:"`), []byte(":\"\xff\\udc00")), "event", "acme")
		f.Add(bytes.ReplaceAll(p.Body, []byte(`:"`), []byte(":\"\xff")), "event", "acme")
	}
	f.Add([]byte("{}"), "\xff", "acme")
	f.Add([]byte("{}"), "event", "\xff")
	f.Fuzz(func(t *testing.T, body []byte, id, workspace string) {
		origin := warehouse.Origin{EventID: id, Workspace: workspace}
		var r warehouse.Row
		e, err := webhook.Parse(body)
		if err != nil || r.Parse(body, origin) != nil {
			return
		}
		checked := warehouse.NewRow(e, origin) // whose texts are checked at each use
		want := values(&checked)
		for i, v := range values(&r) {
			text, isText := v.(string)
			if isText && !utf8.ValidString(text) || !cmp.Equal(v, want[i]) {
				t.Errorf("%s of %q is %q, want %q", warehouse.Columns()[i].Name, body, v, want[i])
			}
		}
		if r.Key() != checked.Key() {
			t.Errorf("key is %q, want %q", r.Key(), checked.Key())
		}
	})
}
