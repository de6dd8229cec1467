package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// State is what all workers remember together, also after a restart.
type State interface {
	// Change stores the value that fn returns for the present value of the key, nil
	// for none. Change calls fn again when another worker was faster. An error of fn
	// ends Change and is returned.
	Change(ctx context.Context, key string, fn func(value []byte) ([]byte, error)) error
	// Delete deletes a key. A missing key is no error.
	Delete(ctx context.Context, key string) error
}

// maxUnreturned is the number of consecutive attempts without a return after which a
// message past MaxAttempts is dead-lettered untried. The message has then ended the
// process each time. A kill, a lost machine or another message can end the process
// during an attempt as well, but hardly three times in a row.
const maxUnreturned = 3

// A marker is stored while a message past MaxAttempts is handled. A marker remains only
// when the process ends during the attempt.
type marker struct {
	Unreturned int       `json:"unreturned"` // consecutive attempts that did not return
	Started    time.Time `json:"started"`    // of the last attempt
}

var (
	errUnreturned = fmt.Errorf("the process ended during each of the last %d attempts", maxUnreturned)
	errSetAside   = errors.New("many attempts so far: other messages go first")
)

// tryLast handles a message past MaxAttempts. While other messages succeed, the attempt
// is the last one, also after a fault that names a wait: a call that the API never
// answers must end. An outage never ends the message.
func (c *Consumer) tryLast(ctx context.Context, batch []event.Attempt) (errs []error, err error) {
	last := c.lastBatchSucceeded.Load()
	end, err := c.begin(ctx, &batch[0])
	if err != nil {
		return []error{err}, nil
	}
	defer end()
	errs, err = call(ctx, batch, c.handler.Handle)
	_, permanent := fault.PermanentReason(errs[0])
	if last && errs[0] != nil && !permanent && !fault.IsOutage(errs[0]) {
		errs[0] = fault.Permanent(fault.ReasonExhausted, errs[0])
	}
	return errs, err
}

// begin admits an attempt at a message past MaxAttempts. The stream counts the
// deliveries of a message and not the results: either the message has ended the process
// many times, or many restarts fell into an outage. Only an attempt tells. begin stores
// a marker before the attempt, and the caller calls end after the attempt.
//
// An outage must leave no marker: a call may hang until the process is killed. begin
// therefore waits for another message's success. If no message succeeds within
// SetAside, no other message is there to wait for.
func (c *Consumer) begin(ctx context.Context, a *event.Attempt) (end func(), err error) {
	if !c.lastBatchSucceeded.Load() && time.Since(c.started) < c.cfg.SetAside {
		return nil, fault.RetryAfter(c.cfg.SetAside, errSetAside)
	}
	err = c.cfg.State.Change(ctx, markerKey(a), func(value []byte) ([]byte, error) {
		var m marker
		_ = json.Unmarshal(value, &m) // a value that is no marker counts as none
		if m.Unreturned >= maxUnreturned {
			return nil, errUnreturned
		}
		return json.Marshal(marker{Unreturned: m.Unreturned + 1, Started: time.Now().UTC()})
	})
	switch {
	case errors.Is(err, errUnreturned):
		return nil, fault.Permanent(fault.ReasonExhausted, err)
	case err != nil:
		// Without a marker the message could end the process for ever.
		return nil, fault.RetryAfter(c.cfg.SetAside, fmt.Errorf("mark message before the attempt: %w", err))
	}
	return func() { c.unmark(ctx, a) }, nil
}

// unmark deletes the marker of a message, also after ctx has ended.
func (c *Consumer) unmark(ctx context.Context, a *event.Attempt) {
	if err := c.cfg.State.Delete(context.WithoutCancel(ctx), markerKey(a)); err != nil {
		c.cfg.Log.Warn().Err(err).Uint64("sequence", a.Sequence).Msg("marker of an attempt not deleted")
	}
}

// markerKey names the message of one JetStream consumer. A recreated stream counts its
// sequences again, so the key contains the time at which the stream stored the message.
func markerKey(a *event.Attempt) string {
	return fmt.Sprintf("attempt.%s.%d-%d", a.Consumer, a.Sequence, a.StoredAt.UnixNano())
}
