package stream_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Ids that a header does not carry as they are must not make one event of two.
func TestOddIDsAreToldApart(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{`abc`, ` `, `\t`, ` abc`, `abc `, `a b`, `a\nb`, `a\r\nb`, `\u0000`} {
		m := &event.Message{Workspace: "acme", ReceivedAt: received, Body: []byte(`{"event_id":"` + id + `"}`)}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		if duplicate, err := p.Publish(t.Context(), m); duplicate || err != nil {
			t.Errorf("event_id %q: duplicate %v, %v", id, duplicate, err)
		}
	}
}
