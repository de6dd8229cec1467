// Package fault gives errors the class that decides what a consumer does next.
//
// There are four classes. A permanent fault is about this one message and no
// repetition will help: the message becomes a dead letter. An outage is about no
// message at all: nothing can be done until the other side is back. A retry-after
// fault names the wait that the other side asked for. Every other error is
// transient and is tried again by the consumer's own back-off.
package fault

import (
	"errors"
	"time"
)

// A Reason says in one word why something was refused, retried or given up.
// Reasons are a closed set (see the constants): they are log fields, metric
// labels and the last token of a dead letter's subject, so they contain only
// a-z, 0-9 and '_'.
type Reason string

// Reasons of permanent faults.
const (
	ReasonNotJSON     Reason = "not_json"     // the body is not JSON
	ReasonNotObject   Reason = "not_object"   // the body is JSON, but no object
	ReasonTooLarge    Reason = "too_large"    // larger than the stream takes, even without the content
	ReasonRejected    Reason = "rejected"     // the Track API refused this call for good
	ReasonRejectedRow Reason = "rejected_row" // the warehouse refused this row for good
	ReasonExhausted   Reason = "exhausted"    // transient faults, until the attempts ran out
	ReasonPanic       Reason = "panic"        // our own code panicked on this message

	ReasonUnknownWorkspace Reason = "unknown_workspace" // the worker has no credentials for the event's workspace
)

// Reasons lists every reason in the order of the constants, so that a metric
// can have all its series from the start.
func Reasons() []Reason {
	return []Reason{
		ReasonNotJSON, ReasonNotObject, ReasonTooLarge, ReasonRejected,
		ReasonRejectedRow, ReasonExhausted, ReasonPanic, ReasonUnknownWorkspace,
	}
}

type permanentError struct {
	reason Reason
	err    error
}

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as a fault that no repetition can mend. It returns nil
// when err is nil.
func Permanent(reason Reason, err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{reason: reason, err: err}
}

// PermanentReason reports whether err is permanent, and why.
func PermanentReason(err error) (Reason, bool) {
	if e, ok := errors.AsType[*permanentError](err); ok {
		return e.reason, true
	}
	return "", false
}

type retryAfterError struct {
	wait   time.Duration
	outage bool
	err    error
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter marks err as transient with a wait that the other side named. It
// returns nil when err is nil.
func RetryAfter(wait time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{wait: wait, err: err}
}

// RetryWait returns the wait that the other side asked for, if it named one.
func RetryWait(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*retryAfterError](err); ok {
		return e.wait, true
	}
	return 0, false
}

// Outage marks err as a fault of the other side as a whole, or of the
// configuration, and of no message: after the wait it is worth asking again. It
// returns nil when err is nil.
func Outage(wait time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{wait: wait, outage: true, err: err}
}

// IsOutage reports whether err is an outage.
func IsOutage(err error) bool {
	e, ok := errors.AsType[*retryAfterError](err)
	return ok && e.outage
}
