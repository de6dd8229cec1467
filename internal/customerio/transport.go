package customerio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxRefusal is the size of the part of a refusal that a client reads, in bytes.
const maxRefusal = 16 << 10

func newTransport(concurrency int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// All calls share one HTTP/2 connection. A router that forgets the connection
		// drops packets silently, and net/http would use the dead connection until the
		// operating system closes the connection after 15 minutes. A ping after 10 s of
		// silence detects a dead connection; net/http closes the connection when the ping
		// has no answer for 5 s.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// A transport adds to each call what go-customerio lacks:
//   - every reserved character of an identifier is escaped
//   - net/http may repeat a call that met a closed connection, unless the method is POST
//     in the App API
//   - the size of an answer is bounded
//   - every answer other than success becomes a *statusError
//   - a success that the API cannot have sent becomes a *foreignError
//
// A redirect is a *statusError, too. http.Client would follow the redirect with a GET
// and without credentials.
type transport struct {
	api  *api
	next http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(t.prepare(req))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, newStatusError(t.api, req, resp)
	}
	body := bufio.NewReader(io.LimitReader(resp.Body, t.api.maxAnswer))
	if err := t.api.checkOwn(resp, body); err != nil {
		resp.Body.Close()
		return nil, err
	}
	resp.StatusCode = http.StatusOK // the library treats every other success as a failure
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// reserved escapes the characters that url.PathEscape leaves unescaped. Customer.io
// requires the escapes: an unescaped "+" silently matches nobody.
var reserved = strings.NewReplacer(
	"@", "%40", "+", "%2B", "&", "%26", "=", "%3D", "$", "%24", ":", "%3A",
	"!", "%21", "'", "%27", "(", "%28", ")", "%29", "*", "%2A", ",", "%2C", ";", "%3B",
)

// prepare returns a changed copy, because a RoundTripper must not change its request.
func (t *transport) prepare(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.URL.RawPath = reserved.Replace(out.URL.EscapedPath())
	if t.api == appAPI && req.Method == http.MethodPost {
		return out // a repeated creation would make a second webhook
	}
	// Every other call of this package is idempotent. A nil value tells net/http so,
	// without a header on the wire. net/http then repeats a call that was sent on a
	// connection while the server was closing the connection.
	out.Header["Idempotency-Key"] = nil
	return out
}
