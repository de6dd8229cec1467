package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// An accepted probe warns of an address that will stop working, or that others can read.
func TestAcceptedProbe(t *testing.T) {
	t.Parallel()
	expires := func(in time.Duration) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{NotAfter: time.Now().Add(in)}}}
	}
	for _, c := range []struct {
		url   string
		state *tls.ConnectionState
		want  string
	}{
		{"https://hooks.example.com", expires(15 * 24 * time.Hour), "ingest accepts KEY, after 20 ms"},
		{"https://hooks.example.com", expires(13 * 24 * time.Hour), "but the certificate of the address ends on "},
		{"http://hooks.example.com", nil, "but the address has no TLS"},
		{"http://localhost:8080", nil, "ingest accepts KEY, after 20 ms"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		a := probeAnswer{resp: &http.Response{TLS: c.state, Request: &http.Request{URL: u}}, key: "KEY", took: 20 * time.Millisecond}
		a.said.Status = "probe"
		if got := a.accepted(); !strings.Contains(got[0].Detail, c.want) {
			t.Errorf("%s: %v, want %q", c.url, got, c.want)
		}
	}
}
