package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

// A DeadLetter is the view of an operator on an event.StoredDeadLetter.
type DeadLetter struct {
	// Number identifies the dead letter by its first sequence number in the stream of
	// dead letters.
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
	// Body is the result of JSONOrText on Raw. Only ShowDeadLetter sets both.
	Body any    `json:"body,omitempty"`
	Raw  []byte `json:"-"`
}

// Mask hides the names of e-mail addresses in the error and in the body.
func (d *DeadLetter) Mask() {
	d.Err = Mask(d.Err)
	if d.Raw == nil {
		return
	}
	d.Body = MaskBody(d.Raw)
	if text, err := json.Marshal(d.Body); err == nil && bytes.Contains(d.Raw, []byte(`\u`)) {
		d.Raw = text // an escape may hide an address from Mask
		return
	}
	d.Raw = []byte(Mask(string(d.Raw)))
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

// NewestDeadLetters returns the last n selected dead letters without their bodies, the
// newest first, and the number of all selected dead letters.
func NewestDeadLetters(ctx context.Context, conn *stream.Conn, f *DeadFilter, n int) (list []DeadLetter, all int, err error) {
	last := newest[DeadLetter]{n: n}
	err = eachDead(ctx, conn, f, func(b *event.StoredDeadLetter) {
		all++
		last.add(newDeadLetter(b))
	})
	return last.first(), all, err
}

// SelectDeadLetters returns the entries of the selected dead letters, for a redrive or
// a drop. Entries alone need little memory, which matters for many dead letters. The
// entries of a held suppression and of its copies are together: one decision settles all.
func SelectDeadLetters(ctx context.Context, conn *stream.Conn, f *DeadFilter) ([][]uint64, error) {
	var list [][]uint64
	places := map[hold]int{}
	err := eachDead(ctx, conn, f, func(b *event.StoredDeadLetter) {
		h, held := holdOf(b)
		if i, ok := places[h]; ok && held {
			list[i] = append(list[i], b.Entries...)
			slices.Sort(list[i])
			return
		}
		if held {
			places[h] = len(list)
		}
		list = append(list, b.Entries)
	})
	return list, err
}

// eachDead calls fn for each selected dead letter, and for each copy of a selected held
// suppression.
func eachDead(ctx context.Context, conn *stream.Conn, f *DeadFilter, fn func(*event.StoredDeadLetter)) error {
	c := copies{selected: map[hold]bool{}, waiting: map[hold][]*event.StoredDeadLetter{}, fn: fn}
	return conn.ListDeadLetters(ctx, stream.DeadSelection{From: f.From, Reason: f.Reason}, func(b *event.StoredDeadLetter) bool {
		c.add(b, f.Match(b))
		return true
	})
}

// ShowDeadLetter returns the dead letter with this number, with its body if withBody
// is set. The error is event.ErrNoDeadLetter if no dead letter has the number.
func ShowDeadLetter(ctx context.Context, conn *stream.Conn, number uint64, withBody bool) (*DeadLetter, error) {
	var found *event.StoredDeadLetter
	err := eachDead(ctx, conn, &DeadFilter{Entries: []uint64{number}}, func(b *event.StoredDeadLetter) {
		if slices.Contains(b.Entries, number) {
			found = b
		}
	})
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

// DropDeadLetters deletes the dead letters with these entries for good, calls progress
// after each of them, and returns the number of deleted dead letters.
func DropDeadLetters(ctx context.Context, conn *stream.Conn, letters [][]uint64, progress func()) (int, error) {
	for i, entries := range letters {
		if err := conn.DeleteDeadLetter(ctx, entries); err != nil {
			return i, err
		}
		progress()
	}
	return len(letters), nil
}

// JSONOrText returns a body for JSON output: valid JSON as json.RawMessage, any other
// body as a string.
func JSONOrText(body []byte) any {
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	return string(body)
}
