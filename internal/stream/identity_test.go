package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// An event is its workspace, event_id and metric. The stream refuses a repeat of the
// event and no other event.
func TestIdentity(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	var want []string
	for _, c := range []struct {
		body      string
		duplicate bool
	}{
		{`{"event_id":"DUP1","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"delivery_id":"DD"}}`, false},
		{`{"event_id":"DUP1","object_type":"email","metric":"bounced","timestamp":1760000001,"data":{"delivery_id":"DD"}}`, false},
		{`{"event_id":"DUP2","object_type":"email","metric":"sent"}`, false},
		{`{"event_id":"DUP2","object_type":"email","metric":"sent"}`, true},
		{`{"event_id":"DUP2","object_type":"push","metric":" SENT "}`, true}, // the object type is not part of the identity
		{`{"event_id":"DUP3","timestamp":1760000000,"data":{}}`, false},
		{`{"event_id":"DUP3","timestamp":1760000000,"data":{}}`, true},
		{`{"event_id":"DUP3","metric":"unknown"}`, false}, // the token of no metric
		{`{"event_id":"DUP3:sent"}`, false},
		{`{"event_id":"DUP3","metric":"sent"}`, false},
		{`{"event_id":"DUP3","metric":"sent:"}`, false},
		{`{"event_id":"DUP3","metric":"ä"}`, false},
		{`{"event_id":"DUP3","metric":"ö"}`, false},
		{`{"event_id":"DUP3","metric":"a b"}`, false},
		{`{"event_id":"DUP3","metric":"a\nb"}`, false},
		{`{"event_id":"DUP3","metric":"` + strings.Repeat("m", 1<<16) + `"}`, false},
		{`{"event_id":"DUP3","metric":"` + strings.Repeat("m", 1<<16) + `n"}`, false},
		{`{"metric":"sent","data":{"recipient":"a"}}`, false},
		{`{"metric":"sent","data":{"recipient":"b"}}`, false},
		{`{"metric":"sent","data":{"recipient":"b"}}`, true},
	} {
		m := &event.Message{Workspace: "acme", ReceivedAt: received, Body: []byte(c.body)}
		if err := m.Index(); err != nil {
			t.Fatal(err)
		}
		duplicate, err := p.Publish(t.Context(), m)
		if err != nil || duplicate != c.duplicate {
			t.Errorf("publishing %.80s: duplicate %v, %v; want %v", c.body, duplicate, err, c.duplicate)
		}
		if !c.duplicate {
			want = append(want, m.ID)
		}
	}
	if diff := cmp.Diff(want, ids(fetch(t, open(t, conn, "all", stream.AllEvents), 100))); diff != "" {
		t.Errorf("ids of the stored messages (-want +got):\n%s", diff)
	}
}

// decodeAtFirstRelease is decode of c826c92. Programs of c826c92 read messages of today
// while an operator upgrades.
func decodeAtFirstRelease(subject string, h nats.Header) (workspace, id string) {
	workspace, _, _ = strings.Cut(strings.TrimPrefix(subject, "customerio.events."), ".")
	value := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	if id = value("Cio-Id"); id == "" {
		id = value("Nats-Msg-Id")
	}
	return workspace, strings.TrimPrefix(id, workspace+":")
}

func TestFirstReleaseReadsMessages(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	nc := client(t, srv)
	sub, err := nc.SubscribeSync("customerio.events.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	publish(t, publisher(t, conn), message("a:b"))
	msg, err := sub.NextMsg(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if workspace, id := decodeAtFirstRelease(msg.Subject, msg.Header); workspace != "acme" || id != "a:b" {
		t.Errorf("c826c92 reads workspace %q and event %q; want acme and a:b", workspace, id)
	}
}

// Messages of c826c92 have neither a metric in the id nor the header Cio-Id, and its
// dead letters and redriven messages have the header without a metric.
func TestMessagesOfFirstReleaseAreRead(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	nc := client(t, srv)
	const at = "2026-03-01T12:00:00.123456789Z"
	for _, h := range []nats.Header{
		{"Nats-Msg-Id": {"acme:a:b"}, "Cio-Received-At": {at}},
		{"Nats-Msg-Id": {"redrive:all:7"}, "Cio-Id": {"acme:a:b"}, "Cio-Received-At": {at}},
	} {
		msg := &nats.Msg{Subject: "customerio.events.acme.email.opened", Header: h, Data: []byte(`{}`)}
		if _, err := nc.RequestMsg(msg, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, publisher(t, conn), message("a:b")) // of today
	got := fetch(t, open(t, conn, "all", stream.AllEvents), 10)
	if diff := cmp.Diff([]string{"a:b", "a:b", "a:b"}, ids(got)); diff != "" {
		t.Fatalf("ids (-want +got):\n%s", diff)
	}
	for _, a := range got {
		if a.Workspace != "acme" || a.Metric != "opened" || !a.ReceivedAt.Equal(received) {
			t.Errorf("message %+v", a.Message)
		}
	}
}

// A redriven message is the event that it was.
func TestRedriveKeepsIdentity(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	p := publisher(t, conn)
	all := open(t, conn, "all", stream.AllEvents)
	publish(t, p, message("abc"))
	fetchOne(t, all, "abc")
	if duplicate, err := p.Redrive(t.Context(), "all", "", message("abc")); duplicate || err != nil {
		t.Fatalf("Redrive = %v, %v", duplicate, err)
	}
	if a := fetchOne(t, all, "abc"); a.Metric != "opened" {
		t.Errorf("metric %q", a.Metric)
	}
}

// The id and the header of two metrics cost a message no more memory than at c826c92.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestNewMessageAllocations(t *testing.T) {
	m := message("abc")
	var size int
	got := testing.AllocsPerRun(200, func() { size = len(stream.NewMessage(m).Header) })
	if most := 8.0; got > most {
		t.Errorf("NewMessage allocates %v times for %d headers; want at most %v", got, size, most)
	}
}
