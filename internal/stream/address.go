package stream

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
)

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
