package customerio

// An outcome is how a call ended, in one word.
type outcome string

// The outcomes of a call.
const (
	outcomeOK           outcome = "ok"
	outcomeRejected     outcome = "rejected"     // refused for good, or never sent because it would be
	outcomeRateLimited  outcome = "rate_limited" // 429
	outcomeUnauthorized outcome = "unauthorized" // wrong credentials or region
	outcomeUnavailable  outcome = "unavailable"  // 5xx, or no connection
	outcomeTimeout      outcome = "timeout"      // no answer in time, or 408

	// A call that its caller took back, which is not counted.
	outcomeCancelled outcome = "cancelled"
)

// Outcomes lists every outcome, so that a metric can have all its series from
// the start.
func outcomes() []outcome {
	return []outcome{
		outcomeOK, outcomeRejected, outcomeRateLimited, outcomeUnauthorized, outcomeUnavailable, outcomeTimeout,
	}
}

// unanswered reports whether the caller's own giving up could be the cause.
func (o outcome) unanswered() bool { return o == outcomeUnavailable || o == outcomeTimeout }

// answersWork reports whether the API works: it accepts calls, or has reasons of
// its own to refuse this one.
func (o outcome) answersWork() bool {
	return o == outcomeOK || o == outcomeRejected || o == outcomeRateLimited
}
