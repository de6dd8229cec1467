// Package fault classifies errors, so that a consumer knows how to go on.
//
// An error has one of four classes. A permanent fault is about one message, and no
// retry will help: the message becomes a dead letter. An outage is about no message
// at all: nothing succeeds until the other side is back. A retry-after fault names
// the wait that the other side asked for. Every other error is transient: the
// consumer retries with its own back-off.
package fault

import (
	"errors"
	"time"
)

// A Reason is a word for the cause of a refusal, a retry or a dead letter. The
// constants are the closed set of reasons. A reason is a log field, a metric label
// and the last token of a dead letter's subject, and therefore contains only a-z,
// 0-9 and '_'.
type Reason string

// Reasons of permanent faults.
const (
	ReasonNotJSON     Reason = "not_json"     // the body is not JSON
	ReasonNotObject   Reason = "not_object"   // the body is JSON, but not an object
	ReasonTooLarge    Reason = "too_large"    // too large for the stream, even without the content
	ReasonRejected    Reason = "rejected"     // the Track API refused this call for good
	ReasonRejectedRow Reason = "rejected_row" // the warehouse refused this row for good
	ReasonExhausted   Reason = "exhausted"    // transient faults, until the attempts ran out
	ReasonPanic       Reason = "panic"        // cioevents panicked on this message

	ReasonUnknownWorkspace Reason = "unknown_workspace" // the worker has no credentials for the event's workspace
	ReasonHeldSuppression  Reason = "held_suppression"  // a bounce beyond SUPPRESSION_LIMIT: an operator decides
)

// Reasons lists every reason in the order of the constants. A metric creates its
// series from the list, before anything has failed.
func Reasons() []Reason {
	return []Reason{
		ReasonNotJSON, ReasonNotObject, ReasonTooLarge, ReasonRejected,
		ReasonRejectedRow, ReasonExhausted, ReasonPanic, ReasonUnknownWorkspace,
		ReasonHeldSuppression,
	}
}

type permanentError struct {
	reason Reason
	err    error
}

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as a fault that no retry can fix. It returns nil when err is
// nil.
func Permanent(reason Reason, err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{reason: reason, err: err}
}

// PermanentReason returns the reason of a permanent fault, and false for any other
// error.
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

// RetryAfter marks err as transient with the wait that the other side asked for. It
// returns nil when err is nil.
func RetryAfter(wait time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{wait: wait, err: err}
}

// RetryWait returns the wait of a retry-after fault or an outage, and false for any
// other error.
func RetryWait(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*retryAfterError](err); ok {
		return e.wait, true
	}
	return 0, false
}

// Outage marks err as a fault of the whole other side or of the configuration, not of
// a message. The next attempt is worth making after the wait. Outage returns nil when
// err is nil.
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
