package ingest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"slices"
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
	logged  string // the last error, which was logged; "" after a check without an error
	current *tls.Certificate
}

// newCertificate reads the files. The error says why they are not a valid pair.
func newCertificate(certFile, keyFile string, now func() time.Time, log zerolog.Logger) (c *certificate, err error) {
	c = &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log, checked: now()}
	c.current, err = c.load()
	return c, err
}

func (c *certificate) load() (*tls.Certificate, error) {
	pair, err := loadPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("load certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}

// loadPair is tls.LoadX509KeyPair, except that a file may begin with a byte order mark,
// which editors on Windows write.
func loadPair(certFile, keyFile string) (pair tls.Certificate, err error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return pair, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return pair, err
	}
	mark := []byte("\ufeff")
	return tls.X509KeyPair(bytes.TrimPrefix(cert, mark), bytes.TrimPrefix(key, mark))
}

// config returns the listener's TLS configuration. HTTP/2 is not offered; see
// Server.server.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
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

// reload replaces the current pair if the files have another certificate. After an error the
// current pair stays. The two files may change one after the other, and in between
// they do not match: reload returns an error until both have changed.
func (c *certificate) reload() error {
	pair, err := c.load()
	if err != nil {
		return err
	}
	if slices.EqualFunc(pair.Certificate, c.current.Certificate, bytes.Equal) {
		return nil
	}
	if pair.Leaf.NotAfter.Before(c.now()) {
		return fmt.Errorf("certificate %s expired at %s", c.certFile, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	c.current = pair
	c.log.Info().Time("not_after", pair.Leaf.NotAfter).Msg("certificate reloaded")
	return nil
}

// logOnce logs an error unless the last error has the same text.
func (c *certificate) logOnce(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != c.logged {
		c.log.Warn().Err(err).Time("not_after", c.current.Leaf.NotAfter).
			Msg("certificate not reloaded, the current certificate stays in use")
	}
	c.logged = text
}
