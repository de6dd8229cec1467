package stream_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func buried(t *testing.T, conn *stream.Conn, s stream.DeadSelection) []event.Buried {
	t.Helper()
	var list []event.Buried
	err := conn.Buried(t.Context(), s, func(b *event.Buried) bool {
		list = append(list, *b)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func bury(t *testing.T, p *stream.Publisher, d event.DeadLetter) {
	t.Helper()
	if err := p.Bury(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
}

func TestBuriedAndForgotten(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 }).Connect(stream.Settings{})
	p := publisher(t, conn)
	if none := buried(t, conn, stream.DeadSelection{}); none != nil {
		t.Errorf("at the start: %v", none)
	}
	small := event.DeadLetter{Message: *message("abc"), From: "suppression", Reason: fault.ReasonRejected, Err: "400", Sequence: 4, Attempts: 1, Subject: "customerio.events.acme.email.opened", DiedAt: received}
	large := event.DeadLetter{Message: *message("def"), From: "ingest", Reason: fault.ReasonTooLarge, Subject: "customerio.events.acme.email.opened", DiedAt: received}
	large.Body = bytes.Repeat([]byte("0123456789"), 1500)
	bury(t, p, large)
	bury(t, p, small)
	body := small.Body
	small.Body, large.Body = nil, nil
	want := []event.Buried{
		{DeadLetter: large, Entries: []uint64{1, 2, 3}, Size: 15_000},
		{DeadLetter: small, Entries: []uint64{4}, Size: len(body)},
	}
	if diff := cmp.Diff(want, buried(t, conn, stream.DeadSelection{}), cmp.Transformer("nil", noBody)); diff != "" {
		t.Errorf("dead letters (-buried +listed):\n%s", diff)
	}
	for s, id := range map[stream.DeadSelection]string{{From: "suppression"}: "abc", {Reason: "too_large"}: "def"} {
		if got := buried(t, conn, s); len(got) != 1 || got[0].ID != id {
			t.Errorf("%v selects %v, want %s", s, got, id)
		}
	}
	whole, err := conn.Exhume(t.Context(), []uint64{1, 2, 3})
	if err != nil || !bytes.Equal(whole.Body, bytes.Repeat([]byte("0123456789"), 1500)) || whole.Missing != 0 {
		t.Errorf("exhumed %d bytes, %d parts missing, %v", len(whole.Body), whole.Missing, err)
	}
	if err := conn.Forget(t.Context(), []uint64{2}); err != nil {
		t.Fatal(err)
	}
	list := buried(t, conn, stream.DeadSelection{})
	if len(list) != 2 || list[1].Missing != 1 || list[1].ID != "def" || !cmp.Equal(list[1].Entries, []uint64{1, 3}) {
		t.Errorf("with a part missing: %+v", list)
	}
	for range 2 { // the second time changes nothing
		if err := conn.Forget(t.Context(), []uint64{1, 3, 4}); err != nil {
			t.Fatal(err)
		}
	}
	if none := buried(t, conn, stream.DeadSelection{}); none != nil {
		t.Errorf("at the end: %v", none)
	}
	if _, err := conn.Exhume(t.Context(), []uint64{4}); !errors.Is(err, event.ErrNotBuried) {
		t.Errorf("exhume what is gone: %v", err)
	}
}

// noBody makes no difference between no bytes and none.
func noBody(b []byte) int { return len(b) }

// What dies while the list is read is not part of it: a redrive would never end.
func TestBuriedEnds(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	d := event.DeadLetter{Message: *message("abc"), From: "some", Reason: fault.ReasonExhausted, Sequence: 1, DiedAt: received}
	bury(t, p, d)
	seen := 0
	err := conn.Buried(t.Context(), stream.DeadSelection{}, func(*event.Buried) bool {
		seen++
		d.Sequence++
		bury(t, p, d)
		return seen < 10
	})
	if err != nil || seen != 1 {
		t.Errorf("seen %d, %v; want 1", seen, err)
	}
}
