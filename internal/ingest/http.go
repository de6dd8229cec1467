package ingest

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// Limits of a connection. Customer.io hangs up after 4 s.
const (
	// The first header of a connection must come within this of its start, also
	// on one that a load balancer has opened ahead of need.
	headerTimeout = 5 * time.Second
	// A body has less than the answer, so that there is time left to store it.
	bodyTimeout = 2 * time.Second
	// The readTimeout bounds what the two above leave over.
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	// An idle connection must outlive a load balancer's own limit, 600 s at
	// Google's: one that is closed just as a call comes is answered 502 there, for
	// which Customer.io waits an hour.
	idleTimeout    = 620 * time.Second
	maxHeaderBytes = 16 << 10
)

// server speaks HTTP/1.1 alone. Calls are small and come one by one, so that
// HTTP/2 has nothing to save; but with 250 calls on a connection MAX_CONNECTIONS
// would bound little, and every answer could not end its connection.
func (s *Server) server() *http.Server {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.connections.state,
		Protocols:         new(http.Protocols),
		// It says why handshakes fail: Customer.io waits an hour after one.
		ErrorLog: slog.NewLogLogger(zerolog.NewSlogHandler(sparing(s.cfg.Log)), slog.LevelWarn),
	}
	srv.Protocols.SetHTTP1(true)
	if s.certificate != nil {
		srv.TLSConfig = s.certificate.config()
	}
	return srv
}

func (s *Server) serve(srv *http.Server, ln net.Listener) error {
	if s.certificate != nil {
		return srv.ServeTLS(ln, "", "") // the configuration has the certificate
	}
	return srv.Serve(ln)
}

// A handler is the routes of a server, with what holds for every request.
type handler struct{ *Server }

// ServeHTTP bounds the time in which the body must come, counted from the end
// of the header: that of http.Server begins with the connection, and would be
// over when a load balancer has opened one ahead of need. It holds for calls
// that are refused, too, as the rest of a body is read before the answer.
//
// After a chunked body the connection ends, unless answer finds that the call
// was signed: net/http does not tell whether there was a Content-Length as well.
// If there was, a proxy that goes by it would take what follows for the end of
// this body, and we for the beginning of the next call, which may be
// Customer.io's (RFC 9112, 6.1).
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setReadDeadline(w, time.Now().Add(h.cfg.BodyTimeout))
	if len(r.TransferEncoding) > 0 {
		w.Header()["Connection"] = connectionClose
	}
	h.echo.ServeHTTP(w, r)
}

// setReadDeadline sets that of the connection, zero for none.
func setReadDeadline(w http.ResponseWriter, t time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(t) // a connection that is gone says so when it is read
}
