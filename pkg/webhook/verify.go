package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Scheme says which bytes a signature covers.
type Scheme string

// The schemes that a Verifier accepts. Customer.io signs with v0. Some published
// receivers and test tools sign the body alone, which Customer.io does not.
const (
	SchemeAuto Scheme = "auto" // v0 with a timestamp header, body without
	SchemeV0   Scheme = "v0"   // "v0:<timestamp>:<body>"
	SchemeBody Scheme = "body" // the body alone
)

// MaxClockSkew is how far a timestamp may lie in the future where a tolerance is
// set.
const MaxClockSkew = 5 * time.Minute

// The errors of Verify. Answer all of them with 401, and raise an alarm: if it
// is your key that is wrong, Customer.io holds back every later event.
var (
	// ErrMissingSignature means that there is no X-CIO-Signature, or a blank one.
	ErrMissingSignature = errors.New("webhook: missing signature")
	// ErrInvalidSignature means that no key made the signature, that a header is
	// malformed or there twice, or that the scheme is not accepted.
	ErrInvalidSignature = errors.New("webhook: invalid signature")
	// ErrTimestamp means that one of the keys did sign the request, but too long
	// ago or too far in the future.
	ErrTimestamp = errors.New("webhook: timestamp out of range")
)

// A VerifierConfig says whose signatures are good.
type VerifierConfig struct {
	// Keys are the webhook signing keys as Customer.io shows them. One is
	// required; list the old and the new one during a rotation.
	Keys []string
	// Scheme is SchemeAuto if empty.
	Scheme Scheme
	// Tolerance is how old a v0 timestamp may be. 0, the default, accepts any
	// timestamp, past or future. Customer.io retries for 7 days and does not say
	// whether a retry is stamped anew, so less than that may refuse real events.
	Tolerance time.Duration
}

// A Verifier checks signatures. It is safe for concurrent use.
type Verifier struct {
	keys      []*macPool
	scheme    Scheme
	tolerance time.Duration
}

// NewVerifier returns an error that names the field if there is no key, a key is
// empty, the scheme is unknown, or the tolerance negative.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	v := &Verifier{scheme: c.Scheme, tolerance: c.Tolerance}
	switch c.Scheme {
	case "":
		v.scheme = SchemeAuto
	case SchemeAuto, SchemeV0, SchemeBody:
	default:
		return nil, fmt.Errorf("webhook: unknown Scheme %q, want auto, v0 or body", c.Scheme)
	}
	if c.Tolerance < 0 {
		return nil, fmt.Errorf("webhook: negative Tolerance %v", c.Tolerance)
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("webhook: no Keys")
	}
	for i, key := range c.Keys {
		if key == "" {
			return nil, fmt.Errorf("webhook: Keys[%d] is empty", i)
		}
		v.keys = append(v.keys, newMACPool(key))
	}
	return v, nil
}

// Verify checks the signature of a request with these headers and exactly this
// body, and returns the index of the key that made it. It returns -1 and
// ErrMissingSignature, ErrInvalidSignature or ErrTimestamp otherwise.
//
// With an X-CIO-Timestamp only v0 counts, so that nobody can turn a request
// into one without a time by moving bytes around. Upper-case hex and "v0=" in
// front of the signature are accepted.
func (v *Verifier) Verify(h http.Header, body []byte, now time.Time) (key int, err error) {
	signature, err := parseSignature(h)
	if err != nil {
		return -1, err
	}
	stamps := h[canonicalTimestamp]
	if len(stamps) == 0 {
		return v.verifyBody(&signature, body)
	}
	stamp := stamps[0]
	sent, ok := parseTimestamp(stamp)
	if !ok || len(stamps) > 1 || v.scheme == SchemeBody {
		return -1, ErrInvalidSignature
	}
	if key = v.match(&signature, stamp, body); key < 0 {
		return -1, ErrInvalidSignature
	}
	if age := now.Sub(sent); v.tolerance > 0 && (age > v.tolerance || age < -MaxClockSkew) {
		return -1, ErrTimestamp
	}
	return key, nil
}

// verifyBody refuses a body that begins like what v0 signs: it would be a v0
// request whose signed bytes someone has sent as the body.
func (v *Verifier) verifyBody(signature *[sha256.Size]byte, body []byte) (int, error) {
	if v.scheme == SchemeV0 || bytes.HasPrefix(body, []byte("v0:")) {
		return -1, ErrInvalidSignature
	}
	key := v.match(signature, "", body)
	if key < 0 {
		return -1, ErrInvalidSignature
	}
	return key, nil
}

// match returns the first key that made the signature, or -1. It tries them all,
// so that the time it takes does not tell which.
func (v *Verifier) match(signature *[sha256.Size]byte, stamp string, body []byte) int {
	key := -1
	for i, pool := range slices.Backward(v.keys) {
		key = subtle.ConstantTimeSelect(pool.compare(signature, stamp, body), i, key)
	}
	return key
}

// The names as http.Header stores them. Its Get would work them out, and allocate,
// on every call; and it does not show that a header is there twice.
const (
	canonicalSignature = "X-Cio-Signature"
	canonicalTimestamp = "X-Cio-Timestamp"
)

func parseSignature(h http.Header) (signature [sha256.Size]byte, err error) {
	values := h[canonicalSignature]
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return signature, ErrMissingSignature
	}
	text := strings.TrimPrefix(values[0], "v0=")
	if len(values) > 1 || len(text) != hex.EncodedLen(sha256.Size) {
		return signature, ErrInvalidSignature
	}
	if _, err := hex.Decode(signature[:], []byte(text)); err != nil {
		return signature, ErrInvalidSignature
	}
	return signature, nil
}

// parseTimestamp wants decimal digits only, and no more than 18 of them, which
// neither an int64 nor a time.Time can overflow.
func parseTimestamp(s string) (time.Time, bool) {
	if s == "" || len(s) > 18 {
		return time.Time{}, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}

// A macPool keeps HMAC states of one key, since setting one up costs as much as
// hashing 128 bytes, and some allocations.
type macPool struct{ pool sync.Pool }

type mac struct {
	hash hash.Hash
	buf  []byte // for what is not the body; on the heap once
}

func newMACPool(key string) *macPool {
	secret := []byte(key)
	return &macPool{sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, secret)}
	}}}
}

// compare returns 1 if the signature is that of the body, with the timestamp if
// there is one, and else 0, in constant time.
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
