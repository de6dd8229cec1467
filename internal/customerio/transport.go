package customerio

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// How much of an answer is read, in bytes. A real one is "{}", or the faults of
// the items of a batch.
const (
	maxAnswer  = 1 << 20
	maxRefusal = 16 << 10
)

func newTransport(concurrency int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// All calls share one connection of HTTP/2. When that dies without a word, as
		// behind a router that forgets it, net/http would go on using it until the
		// system gives it up, after 15 minutes. It is asked after 10 s of silence,
		// and closed after 5 more.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// A transport makes calls the way go-customerio does not: it escapes every
// reserved character of an identifier, lets net/http repeat a call that met a
// closed connection, bounds what is read of an answer, and turns every answer but
// success into a *statusError. That includes redirects,
// which http.Client thus never follows: it would make a GET of them, without
// credentials.
type transport struct{ next http.RoundTripper }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(prepare(req))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, newStatusError(req, resp)
	}
	resp.StatusCode = http.StatusOK // the library takes any other success for a failure
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// reserved are the characters that url.PathEscape leaves as they are. Customer.io
// wants them escaped: an unescaped "+" silently matches nobody.
var reserved = strings.NewReplacer(
	"@", "%40", "+", "%2B", "&", "%26", "=", "%3D", "$", "%24", ":", "%3A",
	"!", "%21", "'", "%27", "(", "%28", ")", "%29", "*", "%2A", ",", "%2C", ";", "%3B",
)

// prepare returns a changed copy: a RoundTripper must leave its request alone.
func prepare(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.URL.RawPath = reserved.Replace(out.URL.EscapedPath())
	// To make any of our calls twice is to make it once. A value of nil tells
	// net/http so without a header on the wire; it then repeats a call that was
	// sent down a connection which the server was just closing.
	out.Header["Idempotency-Key"] = nil
	return out
}
