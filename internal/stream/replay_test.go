package stream_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func startReplay(t *testing.T, conn *stream.Conn, q stream.ReplayRequest) (*stream.Replay, *stream.ReplayConsumer) {
	t.Helper()
	r, err := conn.StartReplay(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	source, err := conn.OpenReplay(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return r, source
}

func replayed(t *testing.T, c *stream.ReplayConsumer, n int) []event.Attempt {
	t.Helper()
	attempts, err := c.Fetch(t.Context(), event.Limits{Messages: n, Linger: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}

func remaining(t *testing.T, conn *stream.Conn, id string) (left uint64, done bool) {
	t.Helper()
	left, r, err := conn.Remaining(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return left, r.Done
}

// A replay does not contain events that are stored after its start, however many.
func TestReplayEndsWhereItWasFixed(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b", "c"} {
		publish(t, p, message(id))
	}
	r, source := startReplay(t, conn, stream.ReplayRequest{Target: "warehouse"})
	for _, id := range []string{"d", "e", "f", "g"} {
		publish(t, p, message(id))
	}
	if left, done := remaining(t, conn, r.ID); left != 3 || done || r.Total != 3 {
		t.Errorf("at the start %d of %d are left, done is %v; want 3 of 3", left, r.Total, done)
	}
	first := replayed(t, source, 2)
	ack(t, first[:1]...)
	if left, _ := remaining(t, conn, r.ID); left != 2 {
		t.Errorf("after one %d are left, want 2", left)
	}
	last := replayed(t, source, 3) // c; d and e are beyond the end
	if got := ids(last); !slices.Equal(got, []string{"c"}) {
		t.Fatalf("fetched %v, want c", got)
	}
	ack(t, last...)
	if left, done := remaining(t, conn, r.ID); left != 1 || done {
		t.Errorf("%d are left, done is %v; want b, which is in flight", left, done)
	}
	if err := first[1].Settle.Retry(0); err != nil {
		t.Fatal(err)
	}
	again := replayed(t, source, 10)
	if got := ids(again); !slices.Equal(got, []string{"b"}) || again[0].Number != 2 {
		t.Fatalf("fetched %v, want b again", got)
	}
	ack(t, again...)
	if left, done := remaining(t, conn, r.ID); left != 0 || !done {
		t.Errorf("at the end %d are left, done is %v", left, done)
	}
}

func TestReplaySelects(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	put := func(id, workspace, metric string) {
		m := message(id)
		m.Workspace, m.Metric = workspace, metric
		publish(t, p, m)
	}
	put("a", "acme", "opened")
	put("b", "globex", "opened")
	middle := storedAt(t, conn, "b")
	put("c", "acme", "clicked")
	put("d", "acme", "opened")
	late := storedAt(t, conn, "d")
	if _, err := p.Redrive(t.Context(), "warehouse", "1", message("a")); err != nil { // for a single consumer
		t.Fatal(err)
	}
	tests := []struct {
		name string
		q    stream.ReplayRequest
		want []string
	}{
		{"all", stream.ReplayRequest{}, []string{"a", "b", "c", "d"}},
		{"since", stream.ReplayRequest{Since: middle}, []string{"b", "c", "d"}},
		{"until", stream.ReplayRequest{Until: middle}, []string{"a"}},
		{"between", stream.ReplayRequest{Since: middle, Until: late}, []string{"b", "c"}},
		{"metric", stream.ReplayRequest{Subjects: stream.Select(nil, nil, []string{"opened"})}, []string{"a", "b", "d"}},
		{"workspace and metric", stream.ReplayRequest{Subjects: stream.Select([]string{"acme"}, []string{"email"}, []string{"clicked"}), Until: late}, []string{"c"}},
		{"two metrics twice", stream.ReplayRequest{Subjects: stream.Select([]string{"acme"}, nil, []string{"clicked", "opened", "opened"})}, []string{"a", "c", "d"}},
	}
	for _, tt := range tests {
		tt.q.Target = "warehouse"
		r, source := startReplay(t, conn, tt.q)
		got := replayed(t, source, 10)
		if !slices.Equal(ids(got), tt.want) || r.Total != uint64(len(tt.want)) {
			t.Errorf("%s: %d events %v, want %v", tt.name, r.Total, ids(got), tt.want)
		}
		ack(t, got...)
		if left, done := remaining(t, conn, r.ID); left != 0 || !done {
			t.Errorf("%s: %d are left, done is %v", tt.name, left, done)
		}
	}
	for name, q := range map[string]stream.ReplayRequest{
		"nothing since": {Since: time.Now().Add(time.Hour)}, "nothing until": {Until: received}, "no such metric": {Subjects: stream.Select(nil, nil, []string{"sent"})},
	} {
		if _, err := conn.StartReplay(t.Context(), q); !errors.Is(err, stream.ErrNothingToReplay) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func storedAt(t *testing.T, conn *stream.Conn, id string) (at time.Time) {
	t.Helper()
	err := conn.TailEvents(t.Context(), stream.Selection{}, func(a event.Attempt) bool {
		at = a.StoredAt
		return a.ID != id
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The metadata of the consumer describes the replay; Status lists a replay only as a
// replay, not as a consumer.
func TestReplayIsListedAndDeleted(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	publish(t, publisher(t, conn), message("a"))
	open(t, conn, "warehouse", stream.AllEvents)
	r, source := startReplay(t, conn, stream.ReplayRequest{Target: "warehouse", Since: received, Filter: "metric=opened", Subjects: stream.Select(nil, nil, []string{"opened"})})
	list, err := conn.Replays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]stream.Replay{*r}, list, cmpopts.IgnoreUnexported(stream.Replay{})); diff != "" {
		t.Errorf("replays (-started +listed):\n%s", diff)
	}
	s := status(t, conn)
	if len(s.Consumers) != 1 || s.Consumers[0].Name != "warehouse" || len(s.Replays) != 1 {
		t.Errorf("status has %v and %v", s.Consumers, s.Replays)
	}
	if err := conn.DeleteReplay(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got, err := source.Fetch(ctx, event.Limits{Messages: 1}); len(got) != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch of a deleted replay returns %v, %v", got, err)
	}
	if err := conn.DeleteReplay(t.Context(), r.ID); !errors.Is(err, stream.ErrNoReplay) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := conn.DeleteReplay(t.Context(), "warehouse"); !errors.Is(err, stream.ErrNoReplay) {
		t.Errorf("a live consumer's name: %v", err)
	}
	if _, _, err := conn.Remaining(t.Context(), r.ID); !errors.Is(err, stream.ErrNoReplay) {
		t.Errorf("remaining: %v", err)
	}
}
