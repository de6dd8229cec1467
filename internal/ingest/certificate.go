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

// reloadEvery is how often the files are looked at, at most.
const reloadEvery = time.Second

// A certificate is the pair of files that the listener shows, read again when
// they have changed. They are looked at when somebody asks, a handshake or a
// reader of the instruments, so that nothing has to run in between. Connections
// that are open keep what they have.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               zerolog.Logger

	mu      sync.Mutex
	checked time.Time
	// cert and key are what was read last, whether good or not.
	cert, key []byte
	logged    string // the error that was logged last
	current   *tls.Certificate
}

// newCertificate reads the files, which must hold a pair.
func newCertificate(certFile, keyFile string, now func() time.Time, log zerolog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log, checked: now()}
	if _, err := c.read(); err != nil {
		return nil, err
	}
	pair, err := c.pair()
	c.current = pair
	return c, err
}

// pair makes a certificate of what was read last.
func (c *certificate) pair() (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}

// config is that of the listener. HTTP/2 is not offered; Serve says why.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

// get returns the pair that is in use.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= reloadEvery {
		c.checked = now
		c.logOnce(c.reload())
	}
	return c.current
}

// notAfter is when the pair in use expires, in unix seconds.
func (c *certificate) notAfter() float64 { return float64(c.get().Leaf.NotAfter.Unix()) }

// reload takes over what has changed in the files. A pair that cannot be used
// is an error, and the present one stays. The two files may change one after
// the other: until both have, they are no pair.
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
		return fmt.Errorf("certificate %s: expired %s", c.certFile, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	c.current, c.logged = pair, ""
	c.log.Info().Time("not_after", pair.Leaf.NotAfter).Msg("took over a new certificate")
	return nil
}

// read reads both files, and reports whether one differs from what was read
// before.
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

// logOnce logs an error unless it was the last one logged.
func (c *certificate) logOnce(err error) {
	if err == nil || err.Error() == c.logged {
		return
	}
	c.logged = err.Error()
	c.log.Warn().Err(err).Time("not_after", c.current.Leaf.NotAfter).
		Msg("the new certificate cannot be used, the present one stays")
}
