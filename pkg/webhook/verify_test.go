package webhook_test

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Published signatures show that Sign and Verify are right, and not only inverse to each
// other.
var vectors = []struct {
	key, timestamp, body, signature string
}{
	{
		"signing-secret", "1614265384",
		`{"event_id":"abc","object_type":"email","metric":"delivered"}`,
		"6f55cf23f9b73a2ff07733fe04421f64ce9ec5e409696edda6b2a80311944230",
	},
	{
		"755781b5e03a973f3405a85474d5a032a60fd56fabaad66039b12eadd83955fa", "1692633432",
		`{"key": "value"}`,
		"d7c655389bb364d3e8bdbb6ec18a7f1b6cf91f39bba647554ada78aa61de37b9",
	},
}

func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	for _, vector := range vectors {
		sent := parse(t, `{"timestamp":`+vector.timestamp+`}`).OccurredAt
		if got := webhook.Sign(vector.key, sent, []byte(vector.body)); got != vector.signature {
			t.Errorf("Sign(%s) = %s, want %s", vector.body, got, vector.signature)
		}
		h := headers(vector.signature, vector.timestamp)
		v := verifier(t, webhook.VerifierConfig{Keys: []string{vector.key}})
		if key, err := v.Verify(h, []byte(vector.body), sent); key != 0 || err != nil {
			t.Errorf("Verify(%s) = %d, %v", vector.body, key, err)
		}
	}
}

const secret = "signing-secret"

var (
	body = []byte(`{"event_id":"abc","object_type":"email","metric":"delivered"}`)
	sent = time.Unix(1614265384, 0)
)

func verifier(tb testing.TB, c webhook.VerifierConfig) *webhook.Verifier {
	tb.Helper()
	if c.Keys == nil {
		c.Keys = []string{secret}
	}
	c.Scheme = cmp.Or(c.Scheme, webhook.SchemeAuto)
	v, err := webhook.NewVerifier(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// headers returns the headers of a request with the signature and the timestamps.
func headers(signature string, timestamps ...string) http.Header {
	h := make(http.Header)
	h.Set(webhook.HeaderSignature, signature)
	for _, timestamp := range timestamps {
		h.Add(webhook.HeaderTimestamp, timestamp)
	}
	return h
}

func TestVerifyHeaders(t *testing.T) {
	t.Parallel()
	v0 := webhook.Sign(secret, sent, body)
	twice := headers(v0, "1614265384")
	twice.Add(webhook.HeaderSignature, v0)
	tests := []struct {
		name   string
		header http.Header
		want   error
	}{
		{"good", headers(v0, "1614265384"), nil},
		{"upper case", headers(strings.ToUpper(v0), "1614265384"), nil},
		{"v0= in front", headers("v0="+v0, "1614265384"), nil},
		{"none", http.Header{}, webhook.ErrMissingSignature},
		{"timestamp only", http.Header{"X-Cio-Timestamp": {"1614265384"}}, webhook.ErrMissingSignature},
		{"blank signature", headers("", "1614265384"), webhook.ErrMissingSignature},
		{"v0= alone", headers("v0=", "1614265384"), webhook.ErrMalformedHeader},
		{"two signatures", twice, webhook.ErrMalformedHeader},
		{"cut off", headers(v0[:62], "1614265384"), webhook.ErrMalformedHeader},
		{"too long", headers(v0+"00", "1614265384"), webhook.ErrMalformedHeader},
		{"not hex", headers(v0[:63]+"g", "1614265384"), webhook.ErrMalformedHeader},
		{"space around", headers(" "+v0[:63], "1614265384"), webhook.ErrMalformedHeader},
		{"other key", headers(webhook.Sign("other", sent, body), "1614265384"), webhook.ErrInvalidSignature},
		{"other timestamp", headers(v0, "1614265385"), webhook.ErrInvalidSignature},
		{"two timestamps", headers(v0, "1614265384", "1614265384"), webhook.ErrMalformedHeader},
		{"body signature with timestamp", headers(webhook.SignBody(secret, body), "1614265384"), webhook.ErrInvalidSignature},
		{"body signature with blank timestamp", headers(webhook.SignBody(secret, body), ""), webhook.ErrMalformedHeader},
		{"v0 signature without timestamp", headers(v0), webhook.ErrInvalidSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantKey := 0
			if tt.want != nil {
				wantKey = -1
			}
			key, err := verifier(t, webhook.VerifierConfig{}).Verify(tt.header, body, sent)
			if !errors.Is(err, tt.want) || key != wantKey {
				t.Errorf("Verify = %d, %v, want %d, %v", key, err, wantKey, tt.want)
			}
		})
	}
}

// Timestamps with a valid signature that are not a number of seconds.
func TestVerifyMalformedTimestamp(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{})
	for _, timestamp := range []string{"", "-1", "+1", " 1", "1.0", "1614265384.5", "1614265384, 1614265384", "0x1", "1_0", "abc", "١", strings.Repeat("1", 19)} {
		h := headers(webhook.SignBody(secret, []byte("v0:"+timestamp+":"+string(body))), timestamp)
		_, err := v.Verify(h, body, sent)
		if !errors.Is(err, webhook.ErrMalformedHeader) || !errors.Is(err, webhook.ErrInvalidSignature) || !strings.Contains(err.Error(), webhook.HeaderTimestamp) {
			t.Errorf("timestamp %q: %v, want %v that names the header", timestamp, err, webhook.ErrMalformedHeader)
		}
	}
}

func TestVerifyScheme(t *testing.T) {
	t.Parallel()
	v0 := headers(webhook.Sign(secret, sent, body), "1614265384")
	plain := headers(webhook.SignBody(secret, body))
	tests := []struct {
		scheme webhook.Scheme
		header http.Header
		want   error
	}{
		{webhook.SchemeAuto, v0, nil},
		{webhook.SchemeAuto, plain, nil},
		{webhook.SchemeV0, v0, nil},
		{webhook.SchemeV0, plain, webhook.ErrMalformedHeader},
		{webhook.SchemeBody, v0, webhook.ErrInvalidSignature},
		{webhook.SchemeBody, plain, nil},
	}
	for _, tt := range tests {
		v := verifier(t, webhook.VerifierConfig{Scheme: tt.scheme})
		if _, err := v.Verify(tt.header, body, sent); !errors.Is(err, tt.want) {
			t.Errorf("scheme %q, headers %v: %v, want %v", tt.scheme, tt.header, err, tt.want)
		}
	}
}

// The zero config takes what Customer.io sends, and nothing that an attacker can repeat for
// ever or that test tools sign.
func TestZeroConfigIsSafe(t *testing.T) {
	t.Parallel()
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	year2001 := time.Unix(1_000_000_000, 0)
	tests := []struct {
		name   string
		header http.Header
		want   error
	}{
		{"v0", headers(webhook.Sign(secret, sent, body), "1614265384"), nil},
		{"of 2001", headers(webhook.Sign(secret, year2001, body), "1000000000"), webhook.ErrTimestamp},
		{"body alone", headers(webhook.SignBody(secret, body)), webhook.ErrMalformedHeader},
	}
	for _, tt := range tests {
		if _, err := v.Verify(tt.header, body, sent); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A literal of http.Header is a signed request, too, and so are two texts.
func TestVerifyWithoutSet(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{})
	signature := webhook.Sign(secret, sent, body)
	h := http.Header{webhook.HeaderSignature: {signature}, webhook.HeaderTimestamp: {"1614265384"}}
	if _, err := v.Verify(h, body, sent); err != nil {
		t.Errorf("Verify of a literal: %v", err)
	}
	for _, tt := range []struct {
		signature, timestamp string
		want                 error
	}{
		{signature, "1614265384", nil},
		{"", "1614265384", webhook.ErrMissingSignature},
		{signature, "", webhook.ErrInvalidSignature},
		{signature, "x", webhook.ErrMalformedHeader},
		{signature, "1614265385", webhook.ErrInvalidSignature},
		{webhook.SignBody(secret, body), "", nil},
	} {
		if _, err := v.VerifySignature(tt.signature, tt.timestamp, body, sent); !errors.Is(err, tt.want) {
			t.Errorf("VerifySignature(%s, %q): %v, want %v", tt.signature, tt.timestamp, err, tt.want)
		}
	}
}

// An attacker who has seen a v0 request could send its signed bytes as a body, without
// the timestamp that reveals the age of the request.
func TestVerifyRefusesSignedStringAsBody(t *testing.T) {
	t.Parallel()
	forged := []byte("v0:1614265384:" + string(body))
	h := headers(webhook.Sign(secret, sent, body))
	_, err := verifier(t, webhook.VerifierConfig{}).Verify(h, forged, sent)
	if !errors.Is(err, webhook.ErrInvalidSignature) {
		t.Errorf("Verify: %v, want %v", err, webhook.ErrInvalidSignature)
	}
}

func TestVerifyTolerance(t *testing.T) {
	t.Parallel()
	signed := headers(webhook.Sign(secret, sent, body), "1614265384")
	tests := []struct {
		name      string
		tolerance time.Duration
		age       time.Duration
		want      error
	}{
		{"oldest", time.Hour, time.Hour, nil},
		{"too old", time.Hour, time.Hour + time.Nanosecond, webhook.ErrTimestamp},
		{"slow clock", time.Hour, -time.Hour, nil},
		{"future", time.Hour, -time.Hour - time.Nanosecond, webhook.ErrTimestamp},
		{"slow by a day", 192 * time.Hour, -24 * time.Hour, nil},
		{"slow by more than a day", 192 * time.Hour, -24*time.Hour - time.Nanosecond, webhook.ErrTimestamp},
		{"a day after the last retry", 0, 192 * time.Hour, nil},
		{"of last month, zero config", 0, 30 * 24 * time.Hour, webhook.ErrTimestamp},
		{"any age", webhook.AnyAge, 1e5 * time.Hour, nil},
		{"any age in the future", webhook.AnyAge, -1e5 * time.Hour, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, webhook.VerifierConfig{Tolerance: tt.tolerance})
			if _, err := v.Verify(signed, body, sent.Add(tt.age)); !errors.Is(err, tt.want) {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
			_, err := v.Verify(signed, []byte("{}"), sent.Add(tt.age))
			if !errors.Is(err, webhook.ErrInvalidSignature) {
				t.Errorf("Verify of another body: %v, want %v", err, webhook.ErrInvalidSignature)
			}
		})
	}
}

func TestVerifyFarAwayTimestamp(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{Tolerance: time.Hour})
	far := time.Unix(999999999999999999, 0)
	h := make(http.Header)
	webhook.SignRequest(h, secret, far, body)
	if _, err := v.Verify(h, body, sent); !errors.Is(err, webhook.ErrTimestamp) {
		t.Errorf("Verify: %v, want %v", err, webhook.ErrTimestamp)
	}
}

func TestVerifyKeys(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{Keys: []string{"new", "old", "older", "old"}})
	for key, want := range map[string]int{"new": 0, "old": 1, "older": 2} {
		h := make(http.Header)
		webhook.SignRequest(h, key, sent, body)
		if got, err := v.Verify(h, body, sent); got != want || err != nil {
			t.Errorf("Verify with key %q = %d, %v, want %d", key, got, err, want)
		}
	}
}

func TestVerifyConcurrently(t *testing.T) {
	t.Parallel()
	v := verifier(t, webhook.VerifierConfig{Keys: []string{"new", secret}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := append([]byte{byte('0' + i)}, body...)
			h := make(http.Header)
			webhook.SignRequest(h, secret, sent, mine)
			for range 200 {
				if key, err := v.Verify(h, mine, sent); key != 1 || err != nil {
					t.Errorf("Verify = %d, %v, want 1", key, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewVerifierErrors(t *testing.T) {
	t.Parallel()
	keys := []string{"a"}
	tests := []struct {
		config webhook.VerifierConfig
		want   string
	}{
		{webhook.VerifierConfig{}, "Keys is empty"},
		{webhook.VerifierConfig{Keys: []string{"a", ""}}, "Keys[1] is empty"},
		{webhook.VerifierConfig{Keys: keys, Scheme: "v1"}, `Scheme "v1": want auto, v0 or body`},
		{webhook.VerifierConfig{Keys: keys, Tolerance: -1}, "Tolerance -1ns: want"},
	}
	for _, tt := range tests {
		if v, err := webhook.NewVerifier(tt.config); v != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewVerifier(%+v) = %v, %v, want an error with %q", tt.config, v, err, tt.want)
		}
	}
}
