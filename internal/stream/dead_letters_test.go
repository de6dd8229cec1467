package stream_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func listed(t *testing.T, conn *stream.Conn, s stream.DeadSelection) []event.StoredDeadLetter {
	t.Helper()
	var list []event.StoredDeadLetter
	err := conn.ListDeadLetters(t.Context(), s, func(b *event.StoredDeadLetter) bool {
		list = append(list, *b)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func storeDead(t *testing.T, p *stream.Publisher, d event.DeadLetter) {
	t.Helper()
	if err := p.StoreDeadLetter(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
}

func TestDeadLettersAreListedAndDeleted(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 }).Connect(stream.Settings{})
	p := publisher(t, conn)
	if none := listed(t, conn, stream.DeadSelection{}); none != nil {
		t.Errorf("at the start: %v", none)
	}
	small := event.DeadLetter{Message: *message("abc"), From: "suppression", Reason: fault.ReasonRejected, Err: "400", Sequence: 4, StoredAt: received, Attempts: 1, Subject: "customerio.events.acme.email.opened", DiedAt: received}
	large := event.DeadLetter{Message: *message("def"), From: "ingest", Reason: fault.ReasonTooLarge, Subject: "customerio.events.acme.email.opened", DiedAt: received}
	large.Body = bytes.Repeat([]byte("0123456789"), 1500)
	storeDead(t, p, large)
	storeDead(t, p, small)
	body := small.Body
	small.Body, large.Body = nil, nil
	want := []event.StoredDeadLetter{
		{DeadLetter: large, Entries: []uint64{1, 2, 3}, Size: 15_000},
		{DeadLetter: small, Entries: []uint64{4}, Size: len(body)},
	}
	if diff := cmp.Diff(want, listed(t, conn, stream.DeadSelection{}), cmp.Transformer("nil", noBody), cmpopts.IgnoreFields(event.StoredDeadLetter{}, "Key")); diff != "" {
		t.Errorf("dead letters (-stored +listed):\n%s", diff)
	}
	for s, id := range map[stream.DeadSelection]string{{From: "suppression"}: "abc", {Reason: "too_large"}: "def"} {
		if got := listed(t, conn, s); len(got) != 1 || got[0].ID != id {
			t.Errorf("%v selects %v, want %s", s, got, id)
		}
	}
	whole, err := conn.ReadDeadLetter(t.Context(), []uint64{1, 2, 3})
	if err != nil || !bytes.Equal(whole.Body, bytes.Repeat([]byte("0123456789"), 1500)) || whole.Missing != 0 {
		t.Errorf("read %d bytes, %d parts missing, %v", len(whole.Body), whole.Missing, err)
	}
	if err := conn.DeleteDeadLetter(t.Context(), []uint64{2}); err != nil {
		t.Fatal(err)
	}
	list := listed(t, conn, stream.DeadSelection{})
	if len(list) != 2 || list[1].Missing != 1 || list[1].ID != "def" || !cmp.Equal(list[1].Entries, []uint64{1, 3}) {
		t.Errorf("with a part missing: %+v", list)
	}
	for range 2 { // the second call changes nothing
		if err := conn.DeleteDeadLetter(t.Context(), []uint64{1, 3, 4}); err != nil {
			t.Fatal(err)
		}
	}
	if none := listed(t, conn, stream.DeadSelection{}); none != nil {
		t.Errorf("at the end: %v", none)
	}
	if _, err := conn.ReadDeadLetter(t.Context(), []uint64{4}); !errors.Is(err, event.ErrNoDeadLetter) {
		t.Errorf("read a deleted dead letter: %v", err)
	}
}

// noBody makes nil equal to an empty body.
func noBody(b []byte) int { return len(b) }

// A message that is dead-lettered during the list is not listed: otherwise a redrive
// of the list could run for ever.
func TestListDeadLettersEnds(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	d := event.DeadLetter{Message: *message("abc"), From: "some", Reason: fault.ReasonExhausted, Sequence: 1, StoredAt: received, DiedAt: received}
	storeDead(t, p, d)
	seen := 0
	err := conn.ListDeadLetters(t.Context(), stream.DeadSelection{}, func(*event.StoredDeadLetter) bool {
		seen++
		d.StoredAt = d.StoredAt.Add(1)
		storeDead(t, p, d)
		return seen < 10
	})
	if err != nil || seen != 1 {
		t.Errorf("seen %d, %v; want 1", seen, err)
	}
}
