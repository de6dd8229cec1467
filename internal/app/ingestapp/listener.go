package ingestapp

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/ingest"
)

// Listener is the settings of a webhook listener that the internet reaches.
// Their zero values are a listener for trying out.
type Listener struct {
	MaxConnections          int
	TLSCertFile, TLSKeyFile string
	Allowed, Proxies        config.Networks
}

func (l *Listener) declare(s *config.Set) {
	s.Int(&l.MaxConnections, "MAX_CONNECTIONS", ingest.MaxConnectionsDefault, "connections of the webhook listener that may be open at a time; more wait until one ends")
	s.String(&l.TLSCertFile, "TLS_CERT_FILE", "", "path of the webhook listener's certificate with its chain (PEM), read again when it changes; without it the listener speaks HTTP")
	s.String(&l.TLSKeyFile, "TLS_KEY_FILE", "", "path of the certificate's key (PEM)")
	s.Var(&l.Allowed, "ALLOWED_NETWORKS", "networks (CIDR, comma-separated) that webhook calls may come from, any without; others are answered 503. Customer.io publishes its addresses, and adds to them: a missing one holds up the feed")
	s.Var(&l.Proxies, "TRUSTED_PROXIES", "networks (CIDR, comma-separated) of your proxies: only what they write into X-Forwarded-For counts for ALLOWED_NETWORKS")
	s.Check(l.check)
}

func (l *Listener) check() error {
	return errors.Join(l.checkLimits(), l.checkFiles())
}

func (l *Listener) checkLimits() error {
	if l.MaxConnections < 1 {
		return errors.New("MAX_CONNECTIONS: must be above 0")
	}
	if len(l.Proxies) > 0 && len(l.Allowed) == 0 {
		return errors.New("TRUSTED_PROXIES: counts for nothing without ALLOWED_NETWORKS")
	}
	return nil
}

func (l *Listener) checkFiles() error {
	err := config.Together("TLS_CERT_FILE", l.TLSCertFile, "TLS_KEY_FILE", l.TLSKeyFile)
	if err != nil || l.TLSCertFile == "" {
		return err
	}
	if _, err := tls.LoadX509KeyPair(l.TLSCertFile, l.TLSKeyFile); err != nil {
		return fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	return nil
}
