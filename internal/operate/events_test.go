package operate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func TestRecentEvents(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	for i := range 30 {
		body := fmt.Sprintf(`{"event_id":"e%d","object_type":"email","metric":%q,"data":{"delivery_id":"d%d"}}`, i, []string{"sent", "opened"}[i%2], i%3)
		m := event.Message{Workspace: "acme", Body: []byte(body), ReceivedAt: time.Now()}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		if _, err := pub.Publish(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		filter operate.EventFilter
		want   []string
	}{
		"all":      {operate.EventFilter{}, []string{"e29", "e28", "e27"}},
		"metric":   {operate.EventFilter{Filter: operate.Filter{Metrics: []string{"sent"}}}, []string{"e28", "e26", "e24"}},
		"delivery": {operate.EventFilter{Deliveries: []string{"d0"}}, []string{"e27", "e24", "e21"}},
		"nothing":  {operate.EventFilter{People: []string{"nobody"}}, nil},
	} {
		list, err := operate.RecentEvents(t.Context(), conn, &tt.filter, 3)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range list {
			got = append(got, a.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestExplainEvent(t *testing.T) {
	t.Parallel()
	body := `{"event_id":"e1","object_type":"email","metric":"bounced","timestamp":1,"data":{"identifiers":{"id":"42","email":"ann@example.com"},"recipient":"ann@example.com","failure_message":"550 5.1.1"}}`
	m := event.Message{Workspace: "acme", ID: "e1", Body: []byte(body), ReceivedAt: time.Unix(2, 0)}
	a := &event.Attempt{Stored: &event.Stored{Message: m}, Sequence: 7}
	x := operate.ExplainEvent(effect.Policy{}, a)
	cells := map[string]operate.Cell{}
	for _, c := range x.Row {
		cells[c.Column] = c
	}
	for column, want := range map[string]operate.Cell{
		"event_id": {"event_id", "e1", false}, "bounce_class": {"bounce_class", "hard", false}, "stream_sequence": {"stream_sequence", "7", false},
		"timestamp": {"timestamp", "1970-01-01T00:00:01Z", false}, "email_address": {"email_address", "ann@example.com", true}, "payload": {},
	} {
		if got := cells[column]; got != want {
			t.Errorf("%s is %+v, want %+v", column, got, want)
		}
	}
	if len(x.Trial.Calls) == 0 || x.Trial.Calls[len(x.Trial.Calls)-1].Kind != effect.Suppress {
		t.Errorf("calls %+v, want a suppression", x.Trial.Calls)
	}
	a.Body = []byte("nothing")
	if x := operate.ExplainEvent(effect.Policy{}, a); x.Problem == "" || x.Row != nil {
		t.Errorf("of a body that is no event: %+v", x)
	}
}
