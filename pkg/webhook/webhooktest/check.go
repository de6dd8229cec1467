package webhooktest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A T reports what a receiver does wrong: a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check sends calls to a receiver and reports every answer that loses an event, stops
// Customer.io's queue or trusts a stranger. Key is a signing key of the receiver. Check
// sends every sample body, so let the receiver store the events in a place for tests. The
// path of each call is /: pass the handler itself, or a mux with a route for /.
//
//	calls                                           answer
//	every sample body, also twice                   2xx
//	unknown object types, metrics and fields        2xx
//	a signed body that is no JSON object            2xx
//	a body of 5 MiB                                 2xx
//	wrong, missing or repeated signature            401
//	a signature of the body alone, or of 2001       401
//
// Check cannot make a store fail. Test yourself that the receiver answers 503 when its
// store returns an error or panics.
func Check(t T, receiver http.Handler, key string) {
	t.Helper()
	for _, c := range slices.Concat(genuine(key), forged(key)) {
		w := httptest.NewRecorder()
		receiver.ServeHTTP(w, c.request())
		if got := w.Code; !c.allowed(got) {
			t.Errorf("%s: the receiver answered %d, want %s", c.name, got, c.want())
		}
	}
}

// A call is a request with the kind of answer that it must get.
type call struct {
	name    string
	body    []byte
	header  http.Header
	refused bool
}

func (c *call) request() *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(c.body))
	r.Header = c.header
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (c *call) allowed(status int) bool {
	if c.refused {
		return status == http.StatusUnauthorized
	}
	return status/100 == 2
}

func (c *call) want() string {
	if c.refused {
		return "401: a stranger could have sent the call"
	}
	return "2xx: Customer.io holds back every later event until then"
}

// genuine returns calls as Customer.io sends them.
func genuine(key string) []call {
	bodies := Payloads()
	bodies = append(bodies,
		Payload{"an event for the second time", bodies[0].Body},
		Payload{"an event of tomorrow's kind", []byte(`{"event_id":"check-unknown","object_type":"hologram","metric":"beamed","timestamp":1,"data":{"new":{"deep":[1,null]}}}`)},
		Payload{"an empty object", []byte("{}")},
		Payload{"an array", []byte("[]")},
		Payload{"half a body", []byte(`{"event_id":"check-half","metric":`)},
		Payload{"a body of 5 MiB", slices.Concat([]byte(`{"event_id":"check-large","data":{"content":"`), bytes.Repeat([]byte("x"), 5<<20), []byte(`"}}`))},
	)
	calls := make([]call, 0, len(bodies))
	for _, b := range bodies {
		h := http.Header{}
		webhook.SignRequest(h, key, time.Now(), b.Body)
		calls = append(calls, call{name: b.Name, body: b.Body, header: h})
	}
	return calls
}

// forged returns calls that Customer.io did not send.
func forged(key string) []call {
	body := Get("email_clicked_human")
	now := time.Now()
	headers := func(signature string, sent time.Time) http.Header {
		return http.Header{webhook.HeaderSignature: {signature}, webhook.HeaderTimestamp: {strconv.FormatInt(sent.Unix(), 10)}}
	}
	year2001 := time.Unix(1_000_000_000, 0)
	good := webhook.Sign(key, now, body)
	twice := headers(good, now)
	twice.Add(webhook.HeaderSignature, good)
	return []call{
		{"a call without a signature", body, http.Header{}, true},
		{"a signature by another key", body, headers(webhook.Sign(key+"x", now, body), now), true},
		{"a signature of another body", body, headers(webhook.Sign(key, now, body[1:]), now), true},
		{"a signature of another time", body, headers(good, now.Add(-time.Minute)), true},
		{"a signature that is no hex", body, headers("nonsense", now), true},
		{"two signatures", body, twice, true},
		{"a signature of the body alone", body, http.Header{webhook.HeaderSignature: {webhook.SignBody(key, body)}}, true},
		{"a call of the year 2001", body, headers(webhook.Sign(key, year2001, body), year2001), true},
	}
}
