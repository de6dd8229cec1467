package stream

import (
	"cmp"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
)

// Config says how to reach NATS.
type Config struct {
	// URL is one or more server URLs, comma-separated. Default nats.DefaultURL.
	URL string
	// Name is shown in the server's list of connections.
	Name string
	// Creds is the path of a credentials file, "" for none.
	Creds string
	// TLSCA, TLSCert and TLSKey are paths of PEM files, "" for the system's
	// roots and no client certificate.
	TLSCA, TLSCert, TLSKey string
	// InboxPrefix begins the subjects that answers come on, so that permissions
	// can keep one program's answers, which carry events, from another. Default
	// that of nats.go, _INBOX.
	InboxPrefix string
	// InProcess connects to a server in this process instead of to URL.
	InProcess nats.InProcessConnProvider
	Log       zerolog.Logger
}

// Declare adds the settings of the connection to the set.
func (c *Config) Declare(s *config.Set) {
	s.String(&c.URL, "NATS_URL", nats.DefaultURL, "NATS servers, comma-separated")
	s.String(&c.Creds, "NATS_CREDS", "", "path of a NATS credentials file")
	s.String(&c.TLSCA, "NATS_TLS_CA", "", "path of the CA certificates that sign the servers' (PEM)")
	s.String(&c.TLSCert, "NATS_TLS_CERT", "", "path of the client certificate (PEM), with its key")
	s.String(&c.TLSKey, "NATS_TLS_KEY", "", "path of the client certificate's key (PEM)")
	s.Check(func() error { return checkAddress(c.URL) })
	s.Check(func() error { return config.Together("NATS_TLS_CERT", c.TLSCert, "NATS_TLS_KEY", c.TLSKey) })
}

func options(cfg Config) ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(cfg.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond),
		nats.Timeout(2 * time.Second),
		// The default buffer keeps what is published while the server is away
		// and sends it later, after the caller was told that it failed.
		nats.ReconnectBufSize(-1),
		// The default of one minute would hold every publisher behind a server
		// that takes no bytes, far beyond the time in which ingest must answer.
		nats.FlusherTimeout(time.Second),
		// A peer that is gone without a word is noticed after 20 to 30 s; the
		// defaults take minutes.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	if cfg.InboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(cfg.InboxPrefix))
	}
	if cfg.Creds != "" {
		opts = append(opts, nats.UserCredentials(cfg.Creds))
	}
	if cfg.TLSCA != "" {
		opts = append(opts, nats.RootCAs(cfg.TLSCA))
	}
	if (cfg.TLSCert == "") != (cfg.TLSKey == "") {
		return nil, errors.New("a TLS client certificate needs both its certificate and its key")
	}
	if cfg.TLSCert != "" {
		opts = append(opts, nats.ClientCert(cfg.TLSCert, cfg.TLSKey))
	}
	return opts, nil
}

// errAddress does not repeat what is wrong: the address may hold a password.
var errAddress = errors.New("NATS_URL: not a list of servers as nats://user:password@host:4222; " +
	"in a password everything but letters and digits is written as %XX")

// checkAddress finds what nats.go would quote, password and all, in its error.
func checkAddress(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		if u, err := parseServer(s); err != nil || u.Hostname() == "" {
			return errAddress
		}
	}
	return nil
}

// Redacted returns the servers' addresses of cfg without users and passwords,
// for showing.
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

// parseServer reads one address as nats.go does.
func parseServer(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "nats://" + s
	}
	return url.Parse(s)
}
