package stream

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
)

// Config configures the connection to NATS.
type Config struct {
	// URL is one or more server URLs, comma-separated. Default nats.DefaultURL.
	URL string
	// Name is the name of this client in the server's list of connections.
	Name string
	// Creds is the path of a credentials file, "" for none.
	Creds string
	// TLSCA, TLSCert and TLSKey are paths of PEM files. Default "": the system's
	// root certificates, and no client certificate.
	TLSCA, TLSCert, TLSKey string
	// InboxPrefix is the prefix of the subjects for answers. Answers carry events,
	// so permissions let each program subscribe to its own prefix only. Default
	// _INBOX, the default of nats.go.
	InboxPrefix string
	// InProcess is a server in this process to connect to instead of URL. Default
	// nil.
	InProcess nats.InProcessConnProvider
	Log       zerolog.Logger
}

// Declare adds the settings of the connection to the set.
func (c *Config) Declare(s *config.Set) {
	s.String(&c.URL, "NATS_URL", nats.DefaultURL, "URLs of the NATS servers, comma-separated")
	s.String(&c.Creds, "NATS_CREDS", "", "path of a NATS credentials file")
	s.String(&c.TLSCA, "NATS_TLS_CA", "", "path of the CA certificates that signed the servers' certificates (PEM)")
	s.String(&c.TLSCert, "NATS_TLS_CERT", "", "path of the client certificate (PEM); NATS_TLS_KEY is required with it")
	s.String(&c.TLSKey, "NATS_TLS_KEY", "", "path of the private key of the client certificate (PEM)")
	s.Check(func() error { return checkAddress(c.URL) })
	s.Check(func() error { return config.Together("NATS_TLS_CERT", c.TLSCert, "NATS_TLS_KEY", c.TLSKey) })
}

func options(cfg Config) ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(cfg.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// By default, nats.go gives up for good when a server refuses the same
		// credentials twice, as servers do while passwords are rotated.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond),
		nats.Timeout(dialTimeout),
		// No buffer: by default, nats.go stores messages while it is disconnected
		// and sends them later, after the caller was told that publishing failed.
		nats.ReconnectBufSize(-1),
		// With the default of one minute, a server that reads no bytes would block
		// every publisher far beyond the time in which ingest must answer.
		nats.FlusherTimeout(time.Second),
		// With the defaults, a server that vanishes is missed after minutes.
		nats.SetCustomDialer(&dialer{}),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(maxPings),
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	if cfg.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(cfg.InboxPrefix))
	}
	if cfg.Creds != "" {
		opts = append(opts, named("NATS_CREDS", nats.UserCredentials(cfg.Creds)))
	}
	if (cfg.TLSCert == "") != (cfg.TLSKey == "") {
		return nil, errors.New("a TLS client certificate needs both files, TLSCert and TLSKey")
	}
	if cfg.TLSCA != "" {
		opts = append(opts, named("NATS_TLS_CA", nats.RootCAs(cfg.TLSCA)))
	}
	if cfg.TLSCert != "" {
		opts = append(opts, named("NATS_TLS_CERT, NATS_TLS_KEY", nats.ClientCert(cfg.TLSCert, cfg.TLSKey)))
	}
	return opts, nil
}

// named returns the option with an error that names the settings of its files, for exit
// code 2.
func named(settings string, option nats.Option) nats.Option {
	return func(o *nats.Options) error {
		if err := option(o); err != nil {
			return &config.UsageError{Err: fmt.Errorf("%s: %w", settings, err)}
		}
		return nil
	}
}

// errAddress does not quote the value: the address may contain a password.
var errAddress = errors.New("NATS_URL: want a comma-separated list of servers such as nats://user:password@host:4222; " +
	"in a password, write each character but letters and digits as %XX")

// checkAddress refuses an invalid address before nats.go sees it: the error of
// nats.go would quote the address with its password.
func checkAddress(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		if u, err := parseServer(s); err != nil || u.Hostname() == "" {
			return errAddress
		}
	}
	return nil
}

// Redacted returns the addresses of the servers without users and passwords, for
// display.
func (c *Config) Redacted() string {
	var shown []string
	for s := range strings.SplitSeq(c.servers(), ",") {
		if u, err := parseServer(s); err == nil {
			shown = append(shown, u.Scheme+"://"+u.Host)
		}
	}
	return strings.Join(shown, ",")
}

func (c *Config) servers() string { return cmp.Or(c.URL, nats.DefaultURL) }

// parseServer parses one address in the way of nats.go.
func parseServer(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "nats://" + s
	}
	return url.Parse(s)
}
