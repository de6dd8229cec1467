package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// MarksWithin is the time in which every running worker honours a new mark: a worker with an
// older list writes nothing to a warehouse. Rows of events that a worker had fetched before
// may still be written later.
const MarksWithin = 10 * time.Second

// Marks are the marks of CIOEVENTS_ERASED at a time. The zero Marks are those of a missing
// bucket. The worker needs the right to ask for the state of the bucket, and no other.
type Marks struct {
	// List has the marks in no order.
	List []string
	// Missing is set when the bucket does not exist.
	Missing bool

	created time.Time
	last    uint64 // sequence of the last written mark
	count   uint64
}

// ReadMarks returns the marks of the bucket, and known itself when nothing has changed since
// known was read: one small request.
func (c *Conn) ReadMarks(ctx context.Context, known *Marks) (*Marks, error) {
	ctx, cancel := context.WithTimeout(ctx, erasedTimeout)
	defer cancel()
	st, err := c.lookUp(ctx, erasedStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return &Marks{Missing: true}, nil
	}
	if err != nil {
		return nil, wrapErased("read", c.refused(err))
	}
	if known != nil && known.isOf(st.CachedInfo()) {
		return known, nil
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(erasedSubject+">"))
	if err != nil {
		return nil, wrapErased("read", c.refused(err))
	}
	m := &Marks{created: info.Created, last: info.State.LastSeq, count: info.State.Msgs}
	for subject := range info.State.Subjects {
		m.List = append(m.List, markOfSubject(subject))
	}
	return m, nil
}

// isOf reports whether a state of the bucket has the marks.
func (m *Marks) isOf(info *jetstream.StreamInfo) bool {
	return m.created.Equal(info.Created) && m.last == info.State.LastSeq && m.count == info.State.Msgs
}
