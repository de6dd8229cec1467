package stream_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

func tailed(t *testing.T, conn *stream.Conn, s stream.Selection) []event.DeadLetter {
	t.Helper()
	var list []event.DeadLetter
	err := conn.TailDeadLetters(t.Context(), s, func(d event.StoredDeadLetter) bool {
		list = append(list, d.DeadLetter)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestDeadLetterRoundTrip(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	if none := tailed(t, conn, stream.Selection{}); none != nil {
		t.Errorf("dead letters at the start: %v", none)
	}
	worker := event.DeadLetter{
		Message: *message("abc"), From: "suppression", Reason: fault.ReasonRejected, Err: "rejected: 400",
		Attempts: 3, Subject: "customerio.events.acme.email.opened", Sequence: 42, StoredAt: received.Add(time.Second), DiedAt: received.Add(time.Hour),
	}
	ingest := event.DeadLetter{Message: *message("def"), From: "ingest", Reason: fault.ReasonNotJSON, Err: "no JSON", DiedAt: received}
	for _, d := range []event.DeadLetter{worker, ingest, worker} { // the last is a repetition of the first
		if err := p.StoreDeadLetter(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	ingest.Subject = "customerio.events.acme.email.opened"
	if diff := cmp.Diff([]event.DeadLetter{worker, ingest}, tailed(t, conn, stream.Selection{})); diff != "" {
		t.Errorf("dead letters (-stored +read):\n%s", diff)
	}
	only := listed(t, conn, stream.DeadSelection{From: "ingest"})
	if len(only) != 1 || only[0].ID != "def" {
		t.Errorf("dead letters of ingest: %+v", only)
	}
}

// No text of an error breaks the header.
func TestDeadLetterErrorIsCleaned(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	d := event.DeadLetter{Message: *message("abc"), From: "ingest", Reason: fault.ReasonPanic, Err: "panic\r\nCio-Reason: other\t\xff" + strings.Repeat("é", 2000)}
	if err := publisher(t, conn).StoreDeadLetter(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	got := tailed(t, conn, stream.Selection{})
	if len(got) != 1 || got[0].Reason != fault.ReasonPanic || !strings.HasPrefix(got[0].Err, "panic  Cio-Reason: other ") || len(got[0].Err) > 2<<10 {
		t.Errorf("read %+v", got)
	}
}

func TestDeadLetterInParts(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 10 }).Connect(stream.Settings{})
	p := publisher(t, conn)
	d := event.DeadLetter{Message: *message("abc"), From: "ingest", Reason: fault.ReasonTooLarge, Err: "too large", DiedAt: received}
	d.Body = bytes.Repeat([]byte("0123456789"), 1500) // more than two messages
	for range 2 {                                     // the second call changes nothing
		if err := p.StoreDeadLetter(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
	parts := tailed(t, conn, stream.Selection{})
	var whole []byte
	for _, part := range parts {
		whole = append(whole, part.Body...)
		if part.ID != "abc" || part.Workspace != "acme" || part.Reason != fault.ReasonTooLarge {
			t.Errorf("part %+v", part.ID)
		}
	}
	if len(parts) != 3 || !bytes.Equal(whole, d.Body) {
		t.Errorf("%d parts with %d bytes, want 3 with %d", len(parts), len(whole), len(d.Body))
	}
}

// The longest headers still fit beside the largest body.
func TestLongestDeadLetterFits(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	word := strings.Repeat("w", 100)
	m := event.Message{
		Workspace: strings.Repeat("a", 63), ID: strings.Repeat("i", 256), ObjectType: word, Metric: word, ReceivedAt: received,
		Stripped: "content,headers", TraceParent: strings.Repeat("0", 55), Body: []byte(strings.Repeat("b", p.MaxBody())),
	}
	publish(t, p, &m)
	d := event.DeadLetter{
		Message: m, From: "suppression-" + m.Workspace, Reason: fault.ReasonUnknownWorkspace, Err: strings.Repeat("é", 2000),
		Attempts: 1 << 30, Subject: stream.RedriveSubject("suppression-"+m.Workspace, &m), Sequence: 1 << 60, StoredAt: time.Now(), DiedAt: time.Now(),
		Consumer: "replay-20261231-235959-abcd",
	}
	if err := p.StoreDeadLetter(t.Context(), &d); err != nil {
		t.Error(err)
	}
}
