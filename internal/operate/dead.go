package operate

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

// A DeadLetter is a message that was given up on, as an operator sees it.
type DeadLetter struct {
	// Number names the dead letter: its first sequence number in the stream of dead
	// letters.
	Number     uint64       `json:"seq"`
	DiedAt     time.Time    `json:"died_at"`
	From       string       `json:"from"`
	Reason     fault.Reason `json:"reason"`
	Attempts   int          `json:"attempts"`
	Subject    string       `json:"subject"`
	Sequence   uint64       `json:"message_seq"`
	Workspace  string       `json:"workspace"`
	ID         string       `json:"id"`
	ReceivedAt time.Time    `json:"received_at"`
	// Size is the size of the body in bytes.
	Size int `json:"bytes"`
	// Missing counts the parts of a large body that are not stored.
	Missing int    `json:"missing_parts,omitempty"`
	Err     string `json:"error"`
	// Body is set by ShowDeadLetter alone: JSON as it stands, anything else as text.
	Body any `json:"body,omitempty"`
	// Raw is Body byte for byte.
	Raw []byte `json:"-"`
}

func newDeadLetter(b *event.StoredDeadLetter) DeadLetter {
	return DeadLetter{
		Number: b.Entries[0], DiedAt: b.DiedAt, From: b.From, Reason: b.Reason, Attempts: b.Attempts, Subject: b.Subject,
		Sequence: b.Sequence, Workspace: b.Workspace, ID: b.ID, ReceivedAt: b.ReceivedAt, Size: b.Size, Missing: b.Missing, Err: b.Err,
	}
}

// ListDeadLetters returns the selected dead letters without their bodies.
func ListDeadLetters(ctx context.Context, conn *stream.Conn, f *DeadFilter) ([]DeadLetter, error) {
	list := []DeadLetter{}
	err := eachDead(ctx, conn, f, func(b *event.StoredDeadLetter) { list = append(list, newDeadLetter(b)) })
	return list, err
}

// SelectDeadLetters returns the entries of the selected dead letters, to redrive
// or to drop them. It keeps nothing else of a dead letter: there may be many.
func SelectDeadLetters(ctx context.Context, conn *stream.Conn, f *DeadFilter) ([][]uint64, error) {
	var list [][]uint64
	err := eachDead(ctx, conn, f, func(b *event.StoredDeadLetter) { list = append(list, b.Entries) })
	return list, err
}

func eachDead(ctx context.Context, conn *stream.Conn, f *DeadFilter, fn func(*event.StoredDeadLetter)) error {
	return conn.ListDeadLetters(ctx, stream.DeadSelection{From: f.From, Reason: f.Reason}, func(b *event.StoredDeadLetter) bool {
		if f.Match(b) {
			fn(b)
		}
		return true
	})
}

// ShowDeadLetter returns the dead letter with this number, and its body when
// withBody is set. The error is event.ErrNoDeadLetter when there is no such dead
// letter.
func ShowDeadLetter(ctx context.Context, conn *stream.Conn, number uint64, withBody bool) (*DeadLetter, error) {
	var found *event.StoredDeadLetter
	err := eachDead(ctx, conn, &DeadFilter{Entries: []uint64{number}}, func(b *event.StoredDeadLetter) { found = b })
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, event.ErrNoDeadLetter
	}
	d := newDeadLetter(found)
	if !withBody {
		return &d, nil
	}
	whole, err := conn.ReadDeadLetter(ctx, found.Entries)
	if err != nil {
		return nil, err
	}
	d.Body, d.Raw = JSONOrText(whole.Body), whole.Body
	return &d, nil
}

// DropDeadLetters deletes the dead letters with these entries for good, and
// returns how many it deleted. It calls progress after each.
func DropDeadLetters(ctx context.Context, conn *stream.Conn, letters [][]uint64, progress func()) (int, error) {
	for i, entries := range letters {
		if err := conn.DeleteDeadLetter(ctx, entries); err != nil {
			return i, err
		}
		progress()
	}
	return len(letters), nil
}

// JSONOrText returns a body for JSON output: JSON as it stands, anything else as
// a text.
func JSONOrText(body []byte) any {
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	return string(body)
}
