// Package ingest receives Customer.io's reporting webhooks: it verifies the signature of
// a call, publishes the body to the stream and answers when the stream has stored the
// body.
//
// Customer.io's retries determine the answers. After a 400, 401, 404, 405, 410, 429, 500
// or a broken connection, Customer.io waits for an hour, and sends no later event before
// the failing event has been accepted. Therefore the answer to a call with a valid
// signature is always 200 or 503.
package ingest

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Path is the path of the webhook, optionally followed by "/" and a workspace.
const Path = "/webhooks/customerio"

// logBurst is how many lines a second an outcome may write: during an outage a
// line per refused call would cost more than the refusal. The metrics count every
// call.
const logBurst = 5

// largeBodies is the number of bodies of the largest size that fit into the budget.
const largeBodies = 8

// A Publisher stores messages. The methods are called concurrently, usually once per
// request, and return within 2.5 s.
type Publisher interface {
	// Publish returns when m is durable. After a permanent fault the caller stores
	// a dead letter. After any other error the caller answers 503, and Customer.io
	// sends the call again.
	Publish(ctx context.Context, m *event.Message) (duplicate bool, err error)
	// StoreDeadLetter stores what Publish can never store.
	StoreDeadLetter(ctx context.Context, d *event.DeadLetter) error
	// MaxBody is the size of the largest body that Publish takes, in bytes.
	MaxBody() int
}

// A Workspace is a Customer.io workspace that sends to this server.
type Workspace struct {
	// Name is the last part of the workspace's path and a part of the subjects of
	// its events. It consists of a-z, 0-9, '_' and '-'.
	Name     string
	Verifier *webhook.Verifier
}

// A Server answers webhook calls.
type Server struct {
	cfg         Config
	echo        *echo.Echo
	gate        gate // counts verified calls
	large       gate // counts the bytes of large bodies
	networks    networks
	connections *connections
	certificate *certificate // nil without TLS
	metrics     *metrics
	logs        [outcomeCount]zerolog.Logger
	slowClock   zerolog.Logger
	// draining is set when the server begins to stop, closing when the server
	// begins to refuse new calls.
	draining, closing atomic.Bool
}

// New checks cfg and returns a server. Serve starts the server.
func New(cfg Config) (*Server, error) {
	if len(cfg.Workspaces) == 0 {
		return nil, errors.New("no workspace is configured")
	}
	if cfg.Publisher == nil {
		return nil, errors.New("Publisher is missing")
	}
	cfg.setDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	s := &Server{
		cfg:         cfg,
		gate:        gate{limit: int64(cfg.MaxInFlight)},
		large:       gate{limit: largeBodies * cfg.MaxBody},
		networks:    networks{allowed: cfg.Allowed, proxies: cfg.Proxies},
		connections: newConnections(openFiles(cfg.MaxConnections, cfg.Log), cfg.Log),
		slowClock:   rarely(cfg.Log),
	}
	s.metrics = newMetrics(cfg.Metrics, cfg.Workspaces, &s.gate, s.connections)
	for o := range s.logs {
		s.logs[o] = sparing(cfg.Log)
	}
	for _, o := range []outcome{outcomeProxyProtocol, outcomeHeaderTooLarge, outcomeMalformed} {
		s.logs[o] = rarely(cfg.Log)
	}
	s.connections.refused = func(o outcome) { s.count(o, nil) }
	s.echo = s.routes()
	if err := s.openCertificate(); err != nil {
		return nil, err
	}
	return s, nil
}

// sparing returns a log with at most logBurst lines a second, for lines that a sender
// can cause.
func sparing(log zerolog.Logger) zerolog.Logger {
	return log.Sample(&zerolog.BurstSampler{Burst: logBurst, Period: time.Second})
}

// rarely returns a log with a line a minute, for a state that lasts.
func rarely(log zerolog.Logger) zerolog.Logger {
	return log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})
}

func (s *Server) openCertificate() (err error) {
	if s.cfg.TLSCertFile == "" {
		return nil
	}
	s.certificate, err = newCertificate(s.cfg.TLSCertFile, s.cfg.TLSKeyFile, s.cfg.Now, s.cfg.Log)
	if err != nil {
		return err
	}
	s.connections.tls = s.certificate.config()
	return s.cfg.Metrics.Register(gauge("cioevents_ingest_tls_not_after_timestamp_seconds",
		"Unix time at which the certificate of the webhook listener expires.", s.certificate.notAfter))
}

func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.routeError
	e.GET("/healthz", s.health)
	e.HEAD("/healthz", s.health)
	e.POST(Path, s.receive)
	e.POST(Path+"/:workspace", s.receive)
	return e
}

// health tells a load balancer whether to send calls here. The answer is 503 during a
// drain and does not depend on the stream: while the stream is away ingest must answer
// calls itself.
func (s *Server) health(c echo.Context) error {
	if s.ends() {
		c.Response().Header()["Connection"] = connectionClose
	}
	if s.draining.Load() {
		return c.String(http.StatusServiceUnavailable, "draining\n")
	}
	return c.String(http.StatusOK, "ok\n")
}

// ends reports whether an answer closes its connection. Closing an idle connection
// could break a call that is just arriving. Closing each connection after an answer
// breaks no call.
func (s *Server) ends() bool { return s.draining.Load() || s.connections.crowded() }

// Handler returns the routes. Serve uses Handler; a test can serve Handler itself.
func (s *Server) Handler() http.Handler { return handler{s} }

// CheckReady returns nil when the server is ready for calls, else the reason.
func (s *Server) CheckReady(ctx context.Context) error {
	if s.draining.Load() {
		return errors.New("draining")
	}
	if s.cfg.Ready == nil {
		return nil
	}
	return s.cfg.Ready(ctx)
}

// receive is the only handler of calls. handle decides the outcome of a call; answer
// counts, logs and sends the outcome.
func (s *Server) receive(c echo.Context) error {
	outcome, err := s.handle(c)
	return s.answer(c, outcome, err)
}

func (s *Server) answer(c echo.Context, o outcome, cause error) error {
	a := s.count(o, cause)
	h := c.Response().Header()
	if a.status == http.StatusServiceUnavailable {
		h["Retry-After"] = retryAfter
	}
	if a.status == http.StatusOK {
		delete(h, "Connection") // see handler.ServeHTTP: the call was signed
	}
	if s.ends() {
		h["Connection"] = connectionClose
	}
	h["Content-Type"] = contentType
	w := c.Response()
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// count counts and logs an outcome.
func (s *Server) count(o outcome, cause error) *answer {
	s.metrics.answers[o].Inc()
	a := &answers[o]
	if a.level != zerolog.NoLevel {
		s.logs[o].WithLevel(a.level).Str("outcome", a.name).Err(cause).Msg(a.text)
	}
	return a
}

// routeError answers a request without a route.
func (s *Server) routeError(err error, c echo.Context) {
	o := outcomePath
	_, signed := c.Request().Header[webhook.HeaderSignature]
	switch {
	case errors.Is(err, echo.ErrMethodNotAllowed):
		o = outcomeMethod
	case signed:
		o = outcomeSignedPath
	}
	if werr := s.answer(c, o, err); werr != nil {
		s.cfg.Log.Debug().Err(werr).Msg("answer not written")
	}
}
