package stream

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
)

// A reused encoding has nothing of the message before, and is not reused with headers that
// the next message may not have.
func TestReusedEncoding(t *testing.T) {
	t.Parallel()
	first := event.Message{Workspace: "acme", ID: "a", ObjectType: "email", Metric: "opened", ReceivedAt: time.Unix(1, 2), Body: []byte("first")}
	second := event.Message{Workspace: "other", ID: "b", ObjectType: "sms", Metric: "sent", ReceivedAt: time.Unix(3, 4), Body: []byte("second")}
	e := newEncoding()
	e.encode(&first)
	e.release()
	if e.Data != nil {
		t.Error("the pool keeps a body")
	}
	got, want := e.encode(&second), NewMessage(&second)
	if diff := cmp.Diff(want.Header, got.Header); diff != "" || got.Subject != want.Subject || string(got.Data) != "second" {
		t.Errorf("message %+v, headers (-want +got):\n%s", got, diff)
	}
	for _, m := range []event.Message{{Stripped: "content"}, {TraceParent: "00-"}, {Released: true}} {
		m.Body = []byte("body")
		e := newEncoding()
		e.encode(&m)
		e.release()
		if e.Data == nil {
			t.Errorf("%+v is reused with headers %v", m, e.Header)
		}
	}
}
