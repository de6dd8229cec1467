package customerio

// An outcome is the result of a call in one word, for metrics and spans.
type outcome string

// The outcomes of a call.
const (
	outcomeOK           outcome = "ok"
	outcomeRejected     outcome = "rejected"     // refused for good, or not sent because Customer.io would refuse the call
	outcomeRateLimited  outcome = "rate_limited" // 429
	outcomeUnauthorized outcome = "unauthorized" // wrong credentials or region
	outcomeUnavailable  outcome = "unavailable"  // 5xx, or no connection
	outcomeTimeout      outcome = "timeout"      // no answer in time, or 408
	outcomeForeign      outcome = "foreign"      // a success that the API cannot have sent

	// The caller cancelled the call. Metrics do not count cancelled calls.
	outcomeCancelled outcome = "cancelled"
)

// outcomes lists every counted outcome. NewMetrics creates all series from the list.
func outcomes() []outcome {
	return []outcome{
		outcomeOK, outcomeRejected, outcomeRateLimited, outcomeUnauthorized, outcomeUnavailable, outcomeTimeout, outcomeForeign,
	}
}

// unanswered reports whether a cancellation by the caller could be the cause.
func (o outcome) unanswered() bool { return o == outcomeUnavailable || o == outcomeTimeout }

// answersWork reports whether the outcome shows that the API works: the API accepted
// the call, or refused this call alone.
func (o outcome) answersWork() bool {
	return o == outcomeOK || o == outcomeRejected || o == outcomeRateLimited
}
