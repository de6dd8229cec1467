package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Defaults of Config.
const (
	DefaultMaxBody     = 8 << 20
	DefaultMaxInFlight = 1024
	// DefaultMaxConnections is four times the calls in flight. The small bodies
	// (20 kB each at most) and the large ones (64 MiB) of 4096 connections fit
	// into the 256 MiB that deploy/ gives to ingest.
	DefaultMaxConnections = 4096
	DefaultTolerance      = webhook.DefaultTolerance
)

// Config configures a Server. Workspaces and Publisher are required.
type Config struct {
	// Workspaces are the workspaces that send here; AddWorkspace adds one.
	Workspaces []Workspace
	// Scheme and Tolerance are those of webhook.VerifierConfig, for AddWorkspace.
	// Default SchemeAuto and any timestamp; Declare sets Tolerance to
	// DefaultTolerance.
	Scheme    string
	Tolerance time.Duration
	Publisher Publisher
	// MaxBody is the largest accepted body in bytes; a call with a larger one is
	// answered 413. Default 8 MiB.
	MaxBody int64
	// MaxInFlight bounds the calls that are handled at a time; further calls are
	// answered 503 at once. Default 1024: at the usual 7 ms a publish, 1024 calls
	// are far more than the stream takes.
	MaxInFlight int
	// MaxConnections bounds the open connections, below the limit of open files;
	// further connections wait until one ends. From three quarters on, connections
	// that wait for a request make room. Default 4096. Serve enforces the bound,
	// Handler does not.
	MaxConnections int
	// HeaderTimeout bounds the time for a header, default 5 s, and BodyTimeout
	// the time for a body, default 2 s. Only Serve applies HeaderTimeout.
	HeaderTimeout, BodyTimeout time.Duration
	// TLSCertFile and TLSKeyFile are PEM files. Serve presents the certificate
	// and reads both files again when they change. Default none: HTTP without
	// TLS.
	TLSCertFile, TLSKeyFile string
	// Allowed are the networks that calls may come from. Default any. For a call
	// through one of the Proxies the sender is read from X-Forwarded-For.
	Allowed, Proxies []netip.Prefix
	// DrainDelay is the time for which the unready server goes on answering
	// calls after its context has ended. Health checks fail in this time, so a
	// load balancer stops sending before connections are refused. Default none.
	DrainDelay time.Duration
	// Ready reports why the stream cannot be used, nil when it can. Default
	// always ready.
	Ready   func(context.Context) error
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Tracer makes a span of each signed call. Default none, which costs nothing.
	Tracer trace.Tracer
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() {
	c.MaxBody = cmp.Or(c.MaxBody, DefaultMaxBody)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, DefaultMaxInFlight)
	c.MaxConnections = cmp.Or(c.MaxConnections, DefaultMaxConnections)
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, headerTimeout)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, bodyTimeout)
}

// AddWorkspace adds a workspace whose calls are signed with one of the keys. The
// error names the variable of the keys.
func (c *Config) AddWorkspace(name string, keys []string) error {
	v, err := webhook.NewVerifier(webhook.VerifierConfig{
		Keys:      keys,
		Scheme:    webhook.Scheme(cmp.Or(c.Scheme, string(webhook.SchemeAuto))),
		Tolerance: cmp.Or(c.Tolerance, webhook.AnyAge),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", config.Variable(name, "WEBHOOK_SECRET"), err)
	}
	c.Workspaces = append(c.Workspaces, Workspace{Name: name, Verifier: v})
	return nil
}

// Declare adds the settings of calls to the set. A value already in c is the
// default of the setting.
func (c *Config) Declare(s *config.Set) {
	c.setDefaults()
	c.Tolerance = cmp.Or(c.Tolerance, DefaultTolerance)
	s.Choice(&c.Scheme, "CUSTOMERIO_WEBHOOK_SIGNATURE", string(webhook.SchemeAuto), "accepted signatures: v0 (Customer.io's scheme), body (HMAC of the raw body alone), or auto (v0 for calls with a timestamp header, body for other calls)",
		string(webhook.SchemeAuto), string(webhook.SchemeV0), string(webhook.SchemeBody))
	s.Var((*config.Duration)(&c.Tolerance), "CUSTOMERIO_WEBHOOK_TOLERANCE", "largest accepted age of a call's timestamp, 0 for any age; Customer.io repeats a call for 7 days. A timestamp may also be as far ahead of the clock, up to 24h")
	s.Var((*config.Bytes)(&c.MaxBody), "MAX_BODY_BYTES", "largest accepted body of a call; a larger body is answered 413")
	s.Count(&c.MaxInFlight, "MAX_IN_FLIGHT", c.MaxInFlight, "largest number of calls that wait for the stream at a time; further calls are answered 503")
	s.Var((*config.Duration)(&c.DrainDelay), "DRAIN_DELAY", "time after a stop signal in which ingest goes on answering calls, while /healthz and /readyz answer 503, so that load balancers can take it out: longer than a probe's interval times the failures that the load balancer waits for")
}

// DeclareListener adds the settings of a listener on the internet, which cioctl dev
// has no use for.
func (c *Config) DeclareListener(s *config.Set) {
	s.Count(&c.MaxConnections, "MAX_CONNECTIONS", DefaultMaxConnections, "largest number of open connections of the webhook listener, at most what the limit of open files allows; further connections wait until one ends")
	s.String(&c.TLSCertFile, "TLS_CERT_FILE", "", "path of the webhook listener's certificate with its chain (PEM), read again after a change; without a certificate the listener speaks HTTP")
	s.String(&c.TLSKeyFile, "TLS_KEY_FILE", "", "path of the key (PEM) of TLS_CERT_FILE")
	s.Var((*config.Networks)(&c.Allowed), "ALLOWED_NETWORKS", "networks (CIDR, comma-separated) that webhook calls may come from; calls from elsewhere are answered 503. By default any network. Customer.io publishes its addresses and adds new ones: a missing address stops the feed")
	s.Var((*config.Networks)(&c.Proxies), "TRUSTED_PROXIES", "networks (CIDR, comma-separated) of your proxies. ALLOWED_NETWORKS applies to the sender that these proxies name in X-Forwarded-For")
	s.Check(c.checkProxies)
	s.Check(c.checkFiles)
}

func (c *Config) checkProxies() error {
	if len(c.Proxies) > 0 && len(c.Allowed) == 0 {
		return errors.New("TRUSTED_PROXIES: has no effect without ALLOWED_NETWORKS")
	}
	return nil
}

func (c *Config) checkFiles() error {
	err := config.Together("TLS_CERT_FILE", c.TLSCertFile, "TLS_KEY_FILE", c.TLSKeyFile)
	if err != nil || c.TLSCertFile == "" {
		return err
	}
	if _, err := loadPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
		return fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	return nil
}
