package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The headers of a signed request, X-CIO-Signature and X-CIO-Timestamp, in the spelling
// of net/http: the constants are keys of an http.Header. AWS Lambda and HTTP/2 spell
// headers in lower case.
const (
	HeaderSignature = "X-Cio-Signature"
	HeaderTimestamp = "X-Cio-Timestamp"
)

// Sign returns the v0 signature of a body with the timestamp, in whole seconds: the
// lower-case hex HMAC-SHA256 of "v0:<unix seconds>:<body>". Sign uses the characters of
// the key, also if the key looks like hex.
func Sign(key string, timestamp time.Time, body []byte) string {
	return sign(key, "v0:"+unixSeconds(timestamp)+":", body)
}

// SignBody returns the signature of SchemeBody: the lower-case hex HMAC-SHA256
// of the body alone.
func SignBody(key string, body []byte) string {
	return sign(key, "", body)
}

// SignRequest sets both headers as Customer.io does. Use SignRequest in a test or a
// relay.
func SignRequest(h http.Header, key string, timestamp time.Time, body []byte) {
	h.Set(HeaderTimestamp, unixSeconds(timestamp))
	h.Set(HeaderSignature, Sign(key, timestamp, body))
}

func sign(key, prefix string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, prefix) //nolint:errcheck // a hash never fails
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func unixSeconds(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10)
}
