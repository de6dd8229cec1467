package ingest

import (
	"net/http"

	"github.com/rs/zerolog"
)

// An outcome is what became of a call: a log field, a metric label, and the
// answer that Customer.io gets.
type outcome int

const (
	outcomeStored outcome = iota
	outcomeDuplicate
	outcomeKept
	outcomeAddress
	outcomeMissingSignature
	outcomeInvalidSignature
	outcomeTimestamp
	outcomePath
	outcomeMethod
	outcomeTooLarge
	outcomeIncomplete
	outcomeBusy
	outcomeDraining
	outcomeStreamFull
	outcomeStreamUnavailable
	outcomePanic
	outcomeCount
)

// An answer is how an outcome is told. Its level is NoLevel where a line per
// call would say nothing.
type answer struct {
	name   string
	status int
	body   []byte
	level  zerolog.Level
	text   string
}

// answers is indexed by outcome.
var answers = [outcomeCount]answer{
	outcomeStored:    {"stored", http.StatusOK, []byte(`{"status":"stored"}`), zerolog.NoLevel, ""},
	outcomeDuplicate: {"duplicate", http.StatusOK, []byte(`{"status":"duplicate"}`), zerolog.NoLevel, ""},
	outcomeKept: {
		"kept", http.StatusOK, []byte(`{"status":"kept"}`),
		zerolog.WarnLevel, "kept a signed call as a dead letter",
	},
	outcomeAddress: { // 503 and not 403, see docs/adr/0005-address-allow-list.md
		"address", http.StatusServiceUnavailable, []byte(`{"error":"Not available here"}`),
		zerolog.WarnLevel, "refused a call from outside ALLOWED_NETWORKS: if it is Customer.io's, its queue stands still",
	},
	outcomeMissingSignature: {
		"missing_signature", http.StatusUnauthorized, []byte(`{"error":"Missing signature"}`),
		zerolog.WarnLevel, "refused a call without a signature",
	},
	outcomeInvalidSignature: {
		"invalid_signature", http.StatusUnauthorized, []byte(`{"error":"Invalid signature"}`),
		zerolog.WarnLevel, "refused a call with a wrong signature: if it is Customer.io's, CUSTOMERIO_WEBHOOK_SECRET is not its signing key, and its queue stands still",
	},
	outcomeTimestamp: {
		"timestamp", http.StatusUnauthorized, []byte(`{"error":"Invalid signature"}`),
		zerolog.WarnLevel, "refused a signed call whose timestamp is outside CUSTOMERIO_WEBHOOK_TOLERANCE",
	},
	outcomePath:     {"path", http.StatusNotFound, []byte(`{"error":"Not found"}`), zerolog.DebugLevel, "refused a call to an unknown path"},
	outcomeMethod:   {"method", http.StatusMethodNotAllowed, []byte(`{"error":"Method not allowed"}`), zerolog.DebugLevel, "refused a call with a wrong method"},
	outcomeTooLarge: {"too_large", http.StatusRequestEntityTooLarge, []byte(`{"error":"Body too large"}`), zerolog.WarnLevel, "refused a body over MAX_BODY_BYTES"},
	outcomeIncomplete: {
		"incomplete", http.StatusServiceUnavailable, []byte(`{"error":"Incomplete body"}`),
		zerolog.InfoLevel, "the sender broke off",
	},
	outcomeBusy: {
		"busy", http.StatusServiceUnavailable, []byte(`{"error":"Too much in flight"}`),
		zerolog.WarnLevel, "refused a call: too much in flight",
	},
	outcomeDraining: {
		"draining", http.StatusServiceUnavailable, []byte(`{"error":"Shutting down"}`),
		zerolog.InfoLevel, "refused a call: shutting down",
	},
	outcomeStreamFull: {
		"stream_full", http.StatusServiceUnavailable, []byte(`{"error":"Stream full"}`),
		zerolog.ErrorLevel, "refused a call: the stream takes no more, raise STREAM_MAX_BYTES",
	},
	outcomeStreamUnavailable: {
		"stream_unavailable", http.StatusServiceUnavailable, []byte(`{"error":"Stream unavailable"}`),
		zerolog.WarnLevel, "refused a call: the stream did not confirm it",
	},
	outcomePanic: {
		"panic", http.StatusServiceUnavailable, []byte(`{"error":"Internal error"}`),
		zerolog.ErrorLevel, "a call made the receiver panic",
	},
}

// retryAfter is short: Customer.io counts its own back-off after a 503, and
// what else sends here should come back soon.
var (
	retryAfter      = []string{"2"}
	connectionClose = []string{"close"}
)
