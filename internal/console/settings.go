package console

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
)

// DefaultAddr is the address of a console without CONSOLE_ADDR. Only programs on this
// machine reach it.
const DefaultAddr = "127.0.0.1:8082"

// Settings are the settings of the console.
type Settings struct {
	// Addr is the address of the listener.
	Addr string
	// Password admits a person. Default "": everybody on this machine is admitted.
	Password string
	// ProxyHeader is the header in which a proxy names the admitted person.
	// Default "": no header is believed.
	ProxyHeader string
	// Hosts are the names by which browsers reach the console, beside localhost.
	Hosts []string
	// ReadOnly leaves out all routes that change something.
	ReadOnly bool
}

// Declare adds the settings to the set.
func (c *Settings) Declare(s *config.Set) {
	s.Address(&c.Addr, "CONSOLE_ADDR", DefaultAddr, "address of the console; an address off this machine needs CONSOLE_PASSWORD or CONSOLE_TRUST_PROXY_HEADER")
	s.Secret(&c.Password, "CONSOLE_PASSWORD", "password of the console, at least 12 characters; without a password everybody on this machine may use the console")
	s.String(&c.ProxyHeader, "CONSOLE_TRUST_PROXY_HEADER", "", "header in which an identity-aware proxy names the person, such as X-Forwarded-Email; only the proxy may reach the console")
	s.Var((*config.List)(&c.Hosts), "CONSOLE_HOSTS", "names by which browsers reach the console, beside localhost and IP addresses; comma-separated, without a port")
	s.Bool(&c.ReadOnly, "CONSOLE_READ_ONLY", false, "leave out everything that changes something")
	s.Check(c.check)
}

// minPassword is the shortest password, in bytes. With the limit of logins, guessing 12
// characters takes longer than a person lives.
const minPassword = 12

func (c *Settings) check() error {
	switch {
	case c.Password != "" && c.ProxyHeader != "":
		return errors.New("CONSOLE_PASSWORD and CONSOLE_TRUST_PROXY_HEADER exclude each other: choose who admits people, the console or the proxy")
	case c.Password != "" && len(c.Password) < minPassword:
		return fmt.Errorf("CONSOLE_PASSWORD is too short: want at least %d characters", minPassword)
	case c.ProxyHeader != "" && !isHeaderName(c.ProxyHeader):
		return config.Invalid("CONSOLE_TRUST_PROXY_HEADER", c.ProxyHeader, "the name of a header such as X-Forwarded-Email")
	case c.Password == "" && c.ProxyHeader == "" && !isLoopback(c.Addr):
		return fmt.Errorf("CONSOLE_ADDR %q is reachable from other machines: set CONSOLE_PASSWORD, or CONSOLE_TRUST_PROXY_HEADER behind an identity-aware proxy, or choose an address such as %s", c.Addr, DefaultAddr)
	default:
		return nil
	}
}

// isLoopback reports whether only this machine reaches the address. A name other than
// localhost may resolve to any address, so no other name counts.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// isHeaderName refuses the headers that a browser or a client sets by itself.
func isHeaderName(name string) bool {
	known := slices.Contains([]string{"Host", "Cookie", "Accept", "Origin", "Referer", "User-Agent", "Connection", "Authorization"}, http.CanonicalHeaderKey(name))
	return !known && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
