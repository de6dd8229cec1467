package ingest

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Limits of a connection. Customer.io hangs up after 4 s.
const (
	// headerTimeout bounds the time from the start of a connection to the end of the
	// first header, also on a connection that a load balancer opens ahead of need.
	headerTimeout = 5 * time.Second
	// bodyTimeout is shorter than answerTimeout, so that time to store the body is left.
	bodyTimeout = 2 * time.Second
	// readTimeout bounds any read that headerTimeout and bodyTimeout do not bound.
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	// idleTimeout is longer than a load balancer's own limit: 600 s at Google's, 900 s
	// at Cloudflare's, 1 h at Envoy's. If ingest closed an idle connection just as a
	// call arrives, the load balancer would answer 502, and Customer.io waits an hour
	// after a 502. Idle connections are no burden: makeRoom closes them when needed.
	idleTimeout    = 65 * time.Minute
	maxHeaderBytes = 16 << 10
)

// server returns an HTTP server for HTTP/1.1 only. Calls are small and come in
// sequence, so HTTP/2 would save nothing. HTTP/2 allows 250 calls per connection, so
// MAX_CONNECTIONS would not limit calls, and "Connection: close" does not exist.
func (s *Server) server() *http.Server {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.connections.state,
		ConnContext:       withConn,
		Protocols:         new(http.Protocols),
		ErrorLog:          slog.NewLogLogger(zerolog.NewSlogHandler(sparing(s.cfg.Log)), slog.LevelWarn),
	}
	srv.Protocols.SetHTTP1(true)
	return srv
}

// A handler serves the routes of a server and applies the limits of every request.
type handler struct{ *Server }

// ServeHTTP bounds the time for the body, counted from the end of the header. The
// ReadTimeout of http.Server begins with the connection, and would be over on a
// connection that a load balancer has opened ahead of need. The bound also applies to
// refused calls, because net/http reads the rest of a body before the answer.
//
// The connection ends after a chunked body, unless answer finds that the call was
// signed. net/http does not tell whether the request also had a Content-Length. With
// both headers, a proxy that obeys Content-Length could take the following bytes for
// the end of this body, while ingest takes the bytes for the beginning of the next
// call, which may be Customer.io's (RFC 9112, 6.1).
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setReadDeadline(w, time.Now().Add(h.cfg.BodyTimeout))
	if len(r.TransferEncoding) > 0 {
		w.Header()["Connection"] = connectionClose
	}
	r.URL.Path = singleSlashes(r.URL.Path)
	h.echo.ServeHTTP(w, r)
}

// singleSlashes removes the last slash of a path and shortens repeated slashes: an
// operator may join the address of the webhook from parts that end or begin with a slash.
// A 404 would stall Customer.io's queue.
func singleSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

// setReadDeadline sets the read deadline of the connection; the zero time removes the
// deadline.
func setReadDeadline(w http.ResponseWriter, t time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(t) // on a closed connection the next read fails
}
