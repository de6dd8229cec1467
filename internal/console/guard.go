package console

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// policy is the Content-Security-Policy of every answer: a page loads scripts and styles
// of the console only, and no other page can frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

// A guard refuses requests that no page of the console has caused.
type guard struct {
	hosts []string
	cross *http.CrossOriginProtection
}

func newGuard(c Settings) *guard {
	hosts := []string{"localhost"}
	for _, h := range c.Hosts {
		hosts = append(hosts, strings.ToLower(h))
	}
	return &guard{hosts: hosts, cross: http.NewCrossOriginProtection()}
}

// protect sets the headers of all answers, then checks the host, then the page that asks.
func (g *guard) protect(next http.Handler) http.Handler {
	next = g.cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send forms with the origin "null"
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !g.admits(r.Host) {
			http.Error(w, "The console does not know this host name. Add the name to CONSOLE_HOSTS.", http.StatusMisdirectedRequest)
			return
		}
		if isForeignPart(r) {
			http.Error(w, "A page of another site must not load a part of the console.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isForeignPart reports whether a page of another site loads the answer as an image, a frame
// or the like. Such a page cannot read the answer, but would open live pages and cause
// queries for which a warehouse charges. A link on another site may open a page.
func isForeignPart(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Dest") != "document"
}

// admits reports whether a browser may have sent the host on purpose. A page of another
// site can resolve its own name to the console's address ("DNS rebinding"), but cannot
// make a browser send an IP address as the host of its name.
func (g *guard) admits(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || slices.Contains(g.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}
