package stream

import (
	"testing"
	"time"
	"unsafe"

	"github.com/nats-io/nats.go/jetstream"
)

// A settler keeps the numbers of its reply subject, and rebuilds the subject for the server.
func TestSettlerRebuildsTheReply(t *testing.T) {
	t.Parallel()
	meta := func(pending uint64) *jetstream.MsgMetadata {
		return &jetstream.MsgMetadata{
			Sequence: jetstream.SequencePair{Stream: 11, Consumer: 22}, NumDelivered: 3, NumPending: pending, Timestamp: time.Unix(1, 2),
		}
	}
	from := origins{}
	var last *origin
	for _, tt := range []struct {
		name, reply string
		meta        *jetstream.MsgMetadata
		shared      bool // with the reply before
	}{
		{"first", "$JS.ACK.events.engagement.3.11.22.1000000002.44", meta(44), false},
		{"next", "$JS.ACK.events.engagement.3.11.22.1000000002.43", meta(43), true},
		{"domain", "$JS.ACK.hub.hash.events.engagement.3.11.22.1000000002.44", meta(44), false},
		{"token at the end", "$JS.ACK.hub.hash.events.engagement.3.11.22.1000000002.44.random", meta(44), false},
		{"another token", "$JS.ACK.hub.hash.events.engagement.3.11.22.1000000002.44.other", meta(44), false},
		{"leading zeros", "$JS.ACK.events.engagement.3.0011.22.1000000002.44", meta(44), false},
		{"no JetStream", "_INBOX.a.b", &jetstream.MsgMetadata{}, false},
		{"whole subject like a prefix", "$JS.ACK.events.engagement", &jetstream.MsgMetadata{}, false},
		{"prefix like a whole subject", "$JS.ACK.events.engagement.3.11.22.1000000002.44", meta(44), false},
	} {
		s := newSettler(tt.meta)
		s.origin = from.of(tt.reply, "engagement", s)
		if got := s.reply(); got != tt.reply {
			t.Errorf("%s: reply %q, want %q", tt.name, got, tt.reply)
		}
		if shared := s.origin == last; shared != tt.shared {
			t.Errorf("%s: origin shared: %t, want %t", tt.name, shared, tt.shared)
		}
		last = s.origin
	}
}

// A worker with a large batch in hand has a settler for each message.
func TestSettlerIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(settler{}); size > 48 {
		t.Errorf("a settler has %d bytes, want 48", size)
	}
}
