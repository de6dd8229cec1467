package ingest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// reloadEvery is the shortest time between two reads of the files.
const reloadEvery = time.Second

// A certificate is the listener's certificate and key, which are reloaded when their
// files change. A handshake or a scrape of the metrics triggers the check of the
// files, so no goroutine has to run in between. Open connections keep the
// certificate of their handshake.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               zerolog.Logger

	mu      sync.Mutex
	checked time.Time
	// cert and key are the contents that were read last, valid or not.
	cert, key []byte
	logged    string // the error that was logged last
	current   *tls.Certificate
}

// newCertificate reads the files. The error says why they are not a valid pair.
func newCertificate(certFile, keyFile string, now func() time.Time, log zerolog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log, checked: now()}
	if _, err := c.read(); err != nil {
		return nil, err
	}
	pair, err := c.pair()
	c.current = pair
	return c, err
}

// pair parses the contents that were read last.
func (c *certificate) pair() (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("parse certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}

// config returns the listener's TLS configuration. HTTP/2 is not offered; see
// Server.server.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

// get returns the current pair, after a reload if the last check is reloadEvery ago.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= reloadEvery {
		c.checked = now
		c.logOnce(c.reload())
	}
	return c.current
}

// notAfter returns when the current pair expires, in unix seconds.
func (c *certificate) notAfter() float64 { return float64(c.get().Leaf.NotAfter.Unix()) }

// reload replaces the current pair if the files have changed. After an error the
// current pair stays. The two files may change one after the other, and in between
// they do not match: reload returns an error until both have changed.
func (c *certificate) reload() error {
	changed, err := c.read()
	if err != nil || !changed {
		return err
	}
	pair, err := c.pair()
	if err != nil {
		return err
	}
	if pair.Leaf.NotAfter.Before(c.now()) {
		return fmt.Errorf("certificate %s expired at %s", c.certFile, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	c.current, c.logged = pair, ""
	c.log.Info().Time("not_after", pair.Leaf.NotAfter).Msg("certificate reloaded")
	return nil
}

// read reads both files and reports whether their contents have changed since the
// last read.
func (c *certificate) read() (changed bool, err error) {
	cert, certErr := os.ReadFile(c.certFile)
	key, keyErr := os.ReadFile(c.keyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return false, fmt.Errorf("read certificate: %w", err)
	}
	changed = !bytes.Equal(cert, c.cert) || !bytes.Equal(key, c.key)
	c.cert, c.key = cert, key
	return changed, nil
}

// logOnce logs an error unless the last logged error has the same text.
func (c *certificate) logOnce(err error) {
	if err == nil || err.Error() == c.logged {
		return
	}
	c.logged = err.Error()
	c.log.Warn().Err(err).Time("not_after", c.current.Leaf.NotAfter).
		Msg("certificate not reloaded, the current certificate stays in use")
}
