package stream_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/stream"
)

// The names and the values of the headers are the wire format: programs of other
// versions read them.
func TestNewMessage(t *testing.T) {
	t.Parallel()
	m := message("abc")
	m.Stripped, m.TraceParent = "content", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	got := stream.NewMessage(m)
	want := nats.Header{
		"Nats-Msg-Id": {"acme:abc"}, "Cio-Received-At": {"2026-03-01T12:00:00.123456789Z"},
		"Cio-Stripped": {"content"}, "traceparent": {m.TraceParent},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Subject != "customerio.events.acme.email.opened" || !bytes.Equal(got.Data, m.Body) {
		t.Errorf("message %+v", got)
	}
}
