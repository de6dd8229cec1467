package customerio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
)

// ApplyBatch makes many calls in as few requests as their size allows. ApplyBatch
// takes calls of the kinds Identify and Track, and promises no order among the calls,
// because the API promises none. ApplyBatch keeps no call, only the encoded items: the map
// of a call alone is larger than its item.
//
// ApplyBatch calls fail, perhaps concurrently, for each call that Customer.io did not
// accept, with the error that Apply would have returned. When ApplyBatch returns nil,
// Customer.io has accepted all other calls. A returned error is an outage or the
// context's error. The error is about all calls, and all calls of fail are ignored.
// Repeating every call does no harm.
func (c *Client) ApplyBatch(ctx context.Context, calls iter.Seq[effect.Call], fail func(i int, err error)) error {
	failed := func(it item, err error) {
		if _, permanent := fault.PermanentReason(err); permanent {
			c.metrics.settled(outcomeRejected, 1)
		}
		fail(it.index, fmt.Errorf("%s person: %w", it.kind, err))
	}
	var items []item
	index := 0
	for call := range calls {
		it := item{index: index, kind: call.Kind, identifier: call.Person.Identifier()}
		index++
		var err error
		if it.body, err = encodeItem(call); err != nil {
			failed(it, fault.Permanent(fault.ReasonRejected, err))
			continue
		}
		items = append(items, it)
	}
	sending, ctx := errgroup.WithContext(ctx) // after an error the other parts would fail, too
	for _, part := range pack(items) {
		sending.Go(func() error { return c.deliver(ctx, part, failed) })
	}
	if err := sending.Wait(); err != nil {
		return fmt.Errorf("send batch: %w", err)
	}
	return nil
}

// An item is one call inside a batch.
type item struct {
	index      int // of the call
	kind       effect.Kind
	identifier string
	body       []byte
}

// envelope is the size of a batch without items, in bytes.
const envelope = len(`{"batch":[]}`)

// pack divides the items among requests.
func pack(items []item) [][]item {
	var parts [][]item
	start, size := 0, envelope
	for i, it := range items {
		more := len(it.body) + 1 // with a comma
		if i > start && (size+more >= maxBatch || i-start == maxItems) {
			parts = append(parts, items[start:i])
			start, size = i, envelope
		}
		size += more
	}
	if start < len(items) {
		parts = append(parts, items[start:])
	}
	return parts
}

// deliver sends a part. When the API refuses the part as a whole, or does not answer,
// deliver sends each half of the part, because a single item may be the cause. In an
// outage the circuit soon opens and ends the halving.
func (c *Client) deliver(ctx context.Context, part []item, failed func(item, error)) error {
	identifier := ""
	if len(part) == 1 {
		identifier = part[0].identifier
	}
	var faults []itemFault
	err := c.do(ctx, bulk, batchCall, identifier, func(ctx context.Context) (err error) {
		faults, err = c.postBatch(ctx, part)
		return err
	})
	switch {
	case err == nil && c.settle(part, faults, failed):
		return nil
	case fault.IsOutage(err), ctx.Err() != nil:
		return err
	case len(part) == 1:
		failed(part[0], err)
		return nil
	}
	half := len(part) / 2
	if err := c.deliver(ctx, part[:half], failed); err != nil {
		return err
	}
	return c.deliver(ctx, part[half:], failed)
}

// settle reports the refused items of an accepted batch. settle returns false when the
// answer does not name the items.
func (c *Client) settle(part []item, faults []itemFault, failed func(item, error)) bool {
	refused := make(map[int]itemFault, len(faults))
	for _, f := range faults {
		switch {
		case f.Index != nil && *f.Index >= 0 && *f.Index < len(part):
			refused[*f.Index] = f
		case len(part) == 1:
			refused[0] = f
		default:
			return false
		}
	}
	c.metrics.settled(outcomeOK, len(part)-len(refused))
	for i, f := range refused {
		failed(part[i], fault.Permanent(fault.ReasonRejected, f.describe(part[i].identifier)))
	}
	return true
}

// An itemFault is the API's reason for refusing one item of a batch.
type itemFault struct {
	Index   *int   `json:"batch_index"`
	Reason  string `json:"reason"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (f itemFault) describe(identifier string) error {
	return errors.New(excerpt(fmt.Sprintf("refused: %s %s %s", f.Reason, f.Field, f.Message), identifier))
}

// postBatch sends a part and returns the faults of the refused items.
func (c *Client) postBatch(ctx context.Context, part []item) ([]itemFault, error) {
	size := envelope
	for _, it := range part {
		size += len(it.body) + 1
	}
	body := append(make([]byte, 0, size), `{"batch":`...)
	separator := byte('[')
	for _, it := range part {
		body, separator = append(append(body, separator), it.body...), ','
	}
	body = append(body, `]}`...)
	var answer struct {
		Errors []itemFault `json:"errors"`
	}
	err := c.exchange(ctx, http.MethodPost, "/api/v2/batch", body, func(r io.Reader) error {
		if err := json.NewDecoder(r).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("decode answer: %w", err)
		}
		return nil
	})
	if e := statusOf(err); e != nil && len(part) > 1 {
		e.body = "" // the answer may name any person of the batch
	}
	return answer.Errors, err
}
