package stream

import (
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// An origin is what the settlers of a fetch share.
type origin struct {
	nc       *nats.Conn
	consumer string
	// prefix is the reply subject up to its numbers, or the whole subject if the subject has
	// another form.
	prefix string
	whole  bool
	// memory is the memory of settled messages, nil for none.
	memory atomic.Pointer[memory]
}

// replySize is the size of usual reply subjects.
const replySize = 128

// origins has the origin of the last message.
type origins struct {
	nc   *nats.Conn
	last *origin
}

// of returns the origin of a message: the last one, or a new one. The texts are copied: a
// part of a reply subject keeps the subject in memory.
func (o *origins) of(reply, consumer string, s *settler) *origin {
	prefix, usual := strings.CutSuffix(reply, string(s.numbers(make([]byte, 0, replySize))))
	if o.last == nil || o.last.prefix != prefix || o.last.whole == usual {
		o.last = &origin{nc: o.nc, consumer: strings.Clone(consumer), prefix: strings.Clone(prefix), whole: !usual}
	}
	return o.last
}
