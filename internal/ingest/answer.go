package ingest

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"
)

// An outcome is the result of a call. Each outcome has a log field, a metric label
// and an answer to Customer.io.
type outcome int

const (
	outcomeStored outcome = iota
	outcomeDuplicate
	outcomeKept
	outcomeProbe
	outcomeAddress
	outcomeMissingSignature
	outcomeInvalidSignature
	outcomeSignatureHeader
	outcomeTimestamp
	outcomePath
	outcomeSignedPath
	outcomeMethod
	outcomeTooLarge
	outcomeIncomplete
	outcomeProxyProtocol
	outcomeHeaderTooLarge
	outcomeMalformed
	outcomeBusy
	outcomeDraining
	outcomeStreamFull
	outcomeStoreFull
	outcomeStreamUnavailable
	outcomePanic
	outcomeCount
)

// An answer is the HTTP answer and the log line of an outcome. The level is NoLevel
// for an outcome without a log line: a line per stored call would say nothing.
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
		zerolog.WarnLevel, "signed call stored as a dead letter",
	},
	outcomeProbe: {"probe", http.StatusOK, []byte(`{"status":"probe"}`), zerolog.NoLevel, ""},
	outcomeAddress: { // docs/adr/0005-address-allow-list.md: a call from another network is answered 503
		"address", http.StatusServiceUnavailable, []byte(`{"error":"Not available here"}`),
		zerolog.WarnLevel, "call from outside ALLOWED_NETWORKS refused; if Customer.io sent the call, its queue is blocked: add its network",
	},
	outcomeMissingSignature: {
		"missing_signature", http.StatusUnauthorized, []byte(`{"error":"Missing signature"}`),
		zerolog.WarnLevel, "call without a signature refused",
	},
	outcomeInvalidSignature: {
		"invalid_signature", http.StatusUnauthorized, []byte(`{"error":"Invalid signature"}`),
		zerolog.WarnLevel, "call with an invalid signature refused; if Customer.io sent the call, its queue is blocked: set CUSTOMERIO_WEBHOOK_SECRET to the signing key of the webhook",
	},
	outcomeSignatureHeader: {
		"signature_header", http.StatusUnauthorized, []byte(`{"error":"Invalid signature"}`),
		zerolog.WarnLevel, "call refused: X-CIO-Signature or X-CIO-Timestamp malformed, repeated or missing; if Customer.io sent the call, its queue is blocked: find the proxy that changes the header",
	},
	outcomeTimestamp: {
		"timestamp", http.StatusUnauthorized, []byte(`{"error":"Invalid signature"}`),
		zerolog.WarnLevel, "signed call refused: timestamp outside CUSTOMERIO_WEBHOOK_TOLERANCE",
	},
	outcomePath: {"path", http.StatusNotFound, []byte(`{"error":"Not found"}`), zerolog.DebugLevel, "call to an unknown path refused"},
	outcomeSignedPath: {
		"signed_path", http.StatusNotFound, []byte(`{"error":"Not found"}`),
		zerolog.WarnLevel, "call with a signature to an unknown path refused; if Customer.io sent the call, its queue is blocked: correct the URL of the webhook, or add the workspace to CUSTOMERIO_WORKSPACES",
	},
	outcomeMethod:   {"method", http.StatusMethodNotAllowed, []byte(`{"error":"Method not allowed"}`), zerolog.DebugLevel, "call with a wrong method refused"},
	outcomeTooLarge: {"too_large", http.StatusRequestEntityTooLarge, []byte(`{"error":"Body too large"}`), zerolog.WarnLevel, "call refused: body larger than MAX_BODY_BYTES"},
	outcomeIncomplete: {
		"incomplete", http.StatusServiceUnavailable, []byte(`{"error":"Incomplete body"}`),
		zerolog.InfoLevel, "call refused: incomplete body",
	},
	outcomeProxyProtocol: {
		"proxy_protocol", http.StatusServiceUnavailable, []byte(`{"error":"PROXY protocol not accepted"}`),
		zerolog.WarnLevel, "call refused: the load balancer sends the PROXY protocol; switch it off there, ingest reads the sender's address from X-Forwarded-For (TRUSTED_PROXIES)",
	},
	outcomeHeaderTooLarge: {
		"header_too_large", http.StatusServiceUnavailable, []byte(`{"error":"Header too large"}`),
		zerolog.WarnLevel, "call refused: header larger than 16 KiB; if Customer.io sent the call, let the proxy add less",
	},
	outcomeMalformed: {
		"malformed", http.StatusServiceUnavailable, []byte(`{"error":"Malformed request"}`),
		zerolog.WarnLevel, "call refused: not a request of HTTP/1.1 that ingest accepts; if Customer.io sent the call, a proxy changes the Host, Expect, Transfer-Encoding or Content-Length header, or only one of proxy and listener (TLS_CERT_FILE) speaks TLS",
	},
	outcomeBusy: {
		"busy", http.StatusServiceUnavailable, []byte(`{"error":"Too much in flight"}`),
		zerolog.WarnLevel, "call refused: too many calls or large bodies in flight",
	},
	outcomeDraining: {
		"draining", http.StatusServiceUnavailable, []byte(`{"error":"Shutting down"}`),
		zerolog.InfoLevel, "call refused: shutting down",
	},
	outcomeStreamFull: {
		"stream_full", http.StatusServiceUnavailable, []byte(`{"error":"Stream full"}`),
		zerolog.ErrorLevel, "call refused: stream full, raise STREAM_MAX_BYTES",
	},
	outcomeStoreFull: { // the error names the limit
		"store_full", http.StatusServiceUnavailable, []byte(`{"error":"NATS has no room"}`),
		zerolog.ErrorLevel, "call refused: the store of the NATS server or account is full; STREAM_MAX_BYTES changes nothing: add room, or raise the limit in NATS's configuration",
	},
	outcomeStreamUnavailable: {
		"stream_unavailable", http.StatusServiceUnavailable, []byte(`{"error":"Stream unavailable"}`),
		zerolog.WarnLevel, "call refused: stream did not acknowledge the message",
	},
	outcomePanic: {
		"panic", http.StatusServiceUnavailable, []byte(`{"error":"Internal error"}`),
		zerolog.ErrorLevel, "panic while handling a call",
	},
}

// The values of the headers of all answers. retryAfter is short, in seconds: Customer.io
// ignores the header and uses its own back-off after a 503, and any other sender should
// retry soon.
var (
	retryAfter      = []string{"2"}
	connectionClose = []string{"close"}
	contentType     = []string{echo.MIMEApplicationJSON}
)
