package webhook

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Scheme defines the bytes that a signature covers.
type Scheme string

// The schemes that a Verifier accepts. Customer.io signs with v0. Some published
// receivers and test tools sign the body alone; Customer.io does not.
const (
	SchemeAuto Scheme = "auto" // v0 for a request with a timestamp header, else body
	SchemeV0   Scheme = "v0"   // "v0:<timestamp>:<body>"
	SchemeBody Scheme = "body" // the body alone
)

// DefaultTolerance is the Tolerance of a VerifierConfig without one: a day more than the
// 7 days for which Customer.io repeats a call. Customer.io does not document whether a
// repeated call gets a new timestamp.
const DefaultTolerance = 8 * 24 * time.Hour

// AnyAge is the Tolerance that accepts any timestamp, past or future: somebody who has
// seen a call can then repeat the call for ever.
const AnyAge time.Duration = math.MaxInt64

// MaxClockSkew bounds how far a timestamp may lie in the future if VerifierConfig has a
// Tolerance above MaxClockSkew. With a shorter Tolerance the same bound holds for past and
// future. A refusal because of a slow clock would stop all events, and only the signer
// can choose a timestamp in the future.
const MaxClockSkew = 24 * time.Hour

// The errors of Verify. Answer each of them with 401, and raise an alarm: if your key is
// wrong, Customer.io holds back every later event.
var (
	// ErrMissingSignature means that X-CIO-Signature is absent or empty.
	ErrMissingSignature = errors.New("webhook: missing signature")
	// ErrInvalidSignature means that no key matches the signature, that a header is
	// malformed or repeated, or that the scheme is not accepted.
	ErrInvalidSignature = errors.New("webhook: invalid signature")
	// ErrMalformedHeader is the ErrInvalidSignature of a header that is malformed,
	// repeated or missing. The error that Verify returns names the header. Neither
	// the key nor the body is at fault.
	ErrMalformedHeader = fmt.Errorf("%w: malformed header", ErrInvalidSignature)
	// ErrTimestamp means that a key matches the signature, but the timestamp is too
	// old or too far in the future.
	ErrTimestamp = errors.New("webhook: timestamp out of range")
)

var (
	errSignatureHeader = fmt.Errorf("%w: "+HeaderSignature+" is not a single HMAC-SHA256 in hex", ErrMalformedHeader)
	errTimestampHeader = fmt.Errorf("%w: "+HeaderTimestamp+" is not a single whole number of seconds", ErrMalformedHeader)
	errNoTimestamp     = fmt.Errorf("%w: "+HeaderTimestamp+" is missing, and scheme v0 needs the header", ErrMalformedHeader)
)

// A VerifierConfig configures a Verifier. Keys is required.
type VerifierConfig struct {
	// Keys are the webhook signing keys as Customer.io shows them, at least one.
	// During a rotation list the old and the new key.
	Keys []string
	// Scheme is the accepted scheme. Default SchemeV0, Customer.io's own.
	Scheme Scheme
	// Tolerance is the maximum age of a v0 timestamp, and up to MaxClockSkew also how
	// far the timestamp may lie in the future. Default DefaultTolerance. A shorter
	// tolerance may refuse calls that Customer.io repeats. AnyAge accepts all.
	Tolerance time.Duration
}

// A Verifier checks signatures. Its methods are safe for concurrent use.
type Verifier struct {
	keys      []*macPool
	scheme    Scheme
	tolerance time.Duration
}

// NewVerifier returns a Verifier. If Keys is empty, a key is empty, the scheme is unknown
// or the tolerance is negative, NewVerifier returns an error that names the field.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	v := &Verifier{scheme: cmp.Or(c.Scheme, SchemeV0), tolerance: cmp.Or(c.Tolerance, DefaultTolerance)}
	if !slices.Contains([]Scheme{SchemeAuto, SchemeV0, SchemeBody}, v.scheme) {
		return nil, fmt.Errorf("webhook: Scheme %q: want auto, v0 or body", c.Scheme)
	}
	if c.Tolerance < 0 {
		return nil, fmt.Errorf("webhook: Tolerance %v: want a positive duration, or AnyAge", c.Tolerance)
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("webhook: Keys is empty: want at least one key")
	}
	for i, key := range c.Keys {
		if key == "" {
			return nil, fmt.Errorf("webhook: Keys[%d] is empty", i)
		}
		v.keys = append(v.keys, newMACPool(key))
	}
	return v, nil
}

// Verify checks the signature of a request with the headers h and exactly the bytes of
// body. It returns the index in Keys of the key that matches. Otherwise it returns -1 and
// ErrMissingSignature, ErrInvalidSignature, an error that wraps ErrMalformedHeader, or
// ErrTimestamp.
//
// A request with an X-CIO-Timestamp must have a v0 signature, so that an attacker cannot
// turn a request into a request without a time by moving bytes around. Verify accepts
// upper-case hex, and "v0=" in front of the signature.
func (v *Verifier) Verify(h http.Header, body []byte, now time.Time) (key int, err error) {
	signatures, stamps := h[HeaderSignature], h[HeaderTimestamp]
	if len(signatures) == 0 {
		return -1, ErrMissingSignature
	}
	if len(signatures) > 1 {
		return -1, errSignatureHeader
	}
	if len(stamps) > 1 || len(stamps) == 1 && stamps[0] == "" {
		return -1, errTimestampHeader
	}
	stamp := ""
	if len(stamps) == 1 {
		stamp = stamps[0]
	}
	return v.VerifySignature(signatures[0], stamp, body, now)
}

// VerifySignature is Verify for a program without an http.Header, such as a function of
// AWS Lambda: signature and timestamp are the values of the headers X-CIO-Signature and
// X-CIO-Timestamp, "" for a header that the request does not have. Decode a body that
// Lambda has encoded in Base64 first.
func (v *Verifier) VerifySignature(signature, timestamp string, body []byte, now time.Time) (key int, err error) {
	sum, err := parseSignature(signature)
	if err != nil {
		return -1, err
	}
	if timestamp == "" {
		return v.verifyBody(&sum, body)
	}
	sent, ok := parseTimestamp(timestamp)
	if !ok {
		return -1, errTimestampHeader
	}
	if v.scheme == SchemeBody {
		return -1, ErrInvalidSignature
	}
	if key = v.match(&sum, timestamp, body); key < 0 {
		return -1, ErrInvalidSignature
	}
	if !v.timely(now.Sub(sent)) {
		return -1, ErrTimestamp
	}
	return key, nil
}

// timely reports whether the tolerance allows the age of a timestamp, which is negative
// for a timestamp in the future.
func (v *Verifier) timely(age time.Duration) bool {
	return v.tolerance == AnyAge || age <= v.tolerance && age >= -min(v.tolerance, MaxClockSkew)
}

// verifyBody checks a signature of the body alone. A body that begins with "v0:" is
// refused: an attacker could send the signed bytes of a v0 request as a body.
func (v *Verifier) verifyBody(signature *[sha256.Size]byte, body []byte) (int, error) {
	if v.scheme == SchemeV0 {
		return -1, errNoTimestamp
	}
	if bytes.HasPrefix(body, []byte("v0:")) {
		return -1, ErrInvalidSignature
	}
	key := v.match(signature, "", body)
	if key < 0 {
		return -1, ErrInvalidSignature
	}
	return key, nil
}

// match returns the index of the first key that matches the signature, or -1. The time
// does not reveal the index, because match always tries every key.
func (v *Verifier) match(signature *[sha256.Size]byte, stamp string, body []byte) int {
	key := -1
	for i, pool := range slices.Backward(v.keys) {
		key = subtle.ConstantTimeSelect(pool.compare(signature, stamp, body), i, key)
	}
	return key
}

func parseSignature(s string) (signature [sha256.Size]byte, err error) {
	if s == "" {
		return signature, ErrMissingSignature
	}
	text := strings.TrimPrefix(s, "v0=")
	if len(text) != hex.EncodedLen(sha256.Size) {
		return signature, errSignatureHeader
	}
	if _, err := hex.Decode(signature[:], []byte(text)); err != nil {
		return signature, errSignatureHeader
	}
	return signature, nil
}

// parseTimestamp accepts decimal digits only, and at most 18 digits, so that neither an
// int64 nor a time.Time overflows.
func parseTimestamp(s string) (time.Time, bool) {
	if len(s) > 18 {
		return time.Time{}, false
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return time.Unix(int64(n), 0), err == nil
}

// A macPool reuses the HMAC states of a key. Setting up a state costs as much as hashing
// 128 bytes, and some allocations.
type macPool struct{ pool sync.Pool }

type mac struct {
	hash hash.Hash
	buf  []byte // for the signed prefix and the sum, allocated once
}

func newMACPool(key string) *macPool {
	secret := []byte(key)
	return &macPool{sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, secret)}
	}}}
}

// compare returns 1 if the signature matches the body and the timestamp, else 0, in
// constant time. An empty stamp stands for a signature of the body alone.
func (p *macPool) compare(signature *[sha256.Size]byte, stamp string, body []byte) int {
	m, _ := p.pool.Get().(*mac)
	defer p.pool.Put(m)
	m.hash.Reset()
	if stamp != "" {
		m.buf = append(append(append(m.buf[:0], "v0:"...), stamp...), ':')
		m.hash.Write(m.buf)
	}
	m.hash.Write(body)
	m.buf = m.hash.Sum(m.buf[:0])
	return subtle.ConstantTimeCompare(m.buf, signature[:])
}
