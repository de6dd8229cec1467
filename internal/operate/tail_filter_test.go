package operate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func TestTailFilter(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for _, e := range []struct{ id, workspace, objectType, metric, data string }{
		{"a", "acme", "email", "opened", `"identifiers":{"id":"1","email":"Ann@example.com"},"campaign_id":4`},
		{"b", "acme", "email", "bounced", `"identifiers":{"cio_id":"c2"},"newsletter_id":4,"recipient":"joe@example.com"`},
		{"c", "globex", "sms", "opened", `"identifiers":{"phone":"+49"},"transactional_message_id":"welcome"`},
		{"d", "globex", "email", "opened", `"customer_id":"1","campaign_id":5`},
		{"end", "acme", "email", "opened", `"identifiers":{"id":"1","phone":"+49"},"campaign_id":4`},
	} {
		body := `{"event_id":"` + e.id + `","object_type":"` + e.objectType + `","metric":"` + e.metric + `","data":{` + e.data + `}}`
		m := &event.Message{Workspace: e.workspace, ID: e.id, ObjectType: e.objectType, Metric: e.metric, ReceivedAt: now, Body: []byte(body)}
		if _, err := p.pub.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		d := event.DeadLetter{Message: *m, From: "warehouse", Reason: fault.ReasonRejectedRow, Subject: stream.Subject(m), DiedAt: now}
		if err := p.pub.StoreDeadLetter(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	words := func(workspace, objectType, metric string) operate.Filter {
		return operate.Filter{Workspaces: fields(workspace), ObjectTypes: fields(objectType), Metrics: fields(metric)}
	}
	for want, f := range map[string]operate.EventFilter{
		"a b c d end": {},
		"a b end":     {Filter: words("acme", "", "")},
		"a b d end":   {Filter: words("", "email", "")},
		"b":           {Filter: words("", "", "bounced clicked")},
		"a d end":     {People: []string{"1"}},
		"a":           {People: []string{"ann@EXAMPLE.com"}},
		"b end":       {People: []string{"joe@example.com", "c2", "+49"}, Filter: words("acme", "", "")},
		"a end":       {Sources: []string{"campaign:4"}},
		"c d":         {Sources: []string{"campaign:5", "transactional"}},
		"":            {Sources: []string{"broadcast"}},
	} {
		if got := p.tail(&f, false, want); got != want {
			t.Errorf("events of %+v: %q, want %q", f, got, want)
		}
		if got := p.tail(&f, true, want); got != want {
			t.Errorf("dead letters of %+v: %q, want %q", f, got, want)
		}
	}
}

// fields is nil for "".
func fields(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Fields(text)
}

// tail returns the ids of the selected events that are stored now, up to a moment after
// the wanted ones: nothing else ends a tail whose last event is not selected.
func (p *pipeline) tail(f *operate.EventFilter, dead bool, want string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	var ids []string
	add := func(id string) (more bool) {
		if ids = append(ids, id); strings.Join(ids, " ") == want {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
		return id != "end"
	}
	if want == "" {
		time.AfterFunc(300*time.Millisecond, cancel)
	}
	var err error
	if dead {
		err = operate.TailDeadLetters(ctx, p.conn, f, time.Time{}, func(d event.StoredDeadLetter) bool {
			return add(d.ID)
		})
	} else {
		err = operate.TailEvents(ctx, p.conn, f, time.Now().Add(-time.Hour), func(a event.Attempt) bool {
			return add(a.ID)
		})
	}
	if err != nil {
		p.t.Errorf("tail: %v", err)
	}
	return strings.Join(ids, " ")
}
