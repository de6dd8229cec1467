package customerio

// An Outcome is how a call ended, in one word.
type Outcome string

// The outcomes of a call.
const (
	OutcomeOK           Outcome = "ok"
	OutcomeRejected     Outcome = "rejected"     // refused for good, or never sent because it would be
	OutcomeRateLimited  Outcome = "rate_limited" // 429
	OutcomeUnauthorized Outcome = "unauthorized" // wrong credentials or region
	OutcomeUnavailable  Outcome = "unavailable"  // 5xx, or no connection
	OutcomeTimeout      Outcome = "timeout"      // no answer in time, or 408

	// A call that its caller took back, which is not counted.
	outcomeCancelled Outcome = "cancelled"
)

// Outcomes lists every outcome, so that a metric can have all its series from
// the start.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomeOK, OutcomeRejected, OutcomeRateLimited, OutcomeUnauthorized, OutcomeUnavailable, OutcomeTimeout,
	}
}

// unanswered reports whether the caller's own giving up could be the cause.
func (o Outcome) unanswered() bool { return o == OutcomeUnavailable || o == OutcomeTimeout }

// answersWork reports whether the API works: it accepts calls, or has reasons of
// its own to refuse this one.
func (o Outcome) answersWork() bool {
	return o == OutcomeOK || o == OutcomeRejected || o == OutcomeRateLimited
}
