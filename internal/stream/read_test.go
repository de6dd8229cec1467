package stream_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func TestTailEventsSelection(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b", "c"} {
		publish(t, p, message(id))
	}
	tests := []struct {
		name string
		s    stream.Selection
		stop string
		want []string
	}{
		{"all", stream.Selection{}, "", []string{"a", "b", "c"}},
		{"until told to stop", stream.Selection{Follow: true}, "b", []string{"a", "b"}},
		{"since later", stream.Selection{Since: time.Now().Add(time.Hour)}, "", nil},
		{"new only", stream.Selection{NewOnly: true, Since: received}, "", nil},
	}
	for _, tt := range tests {
		var got []string
		err := conn.TailEvents(t.Context(), tt.s, func(a event.Attempt) bool {
			got = append(got, a.ID)
			return a.ID != tt.stop
		})
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// A redriven event matches the subjects of the event, too.
func TestTailEventsOfSubjects(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	m := message("a")
	publish(t, p, m)
	if _, err := p.Redrive(t.Context(), "warehouse", "k", m); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		workspace string
		want      int
	}{{m.Workspace, 2}, {"other", 0}} {
		got := 0
		s := stream.Selection{Subjects: stream.Select([]string{tt.workspace}, nil, nil)}
		if err := conn.TailEvents(t.Context(), s, func(event.Attempt) bool { got++; return true }); err != nil || got != tt.want {
			t.Errorf("workspace %s: %d events, %v, want %d", tt.workspace, got, err, tt.want)
		}
	}
}
