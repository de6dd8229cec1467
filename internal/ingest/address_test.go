package ingest_test

import (
	"bytes"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const elsewhere = `{"error":"Not available here"}`

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestAllowedNetworks(t *testing.T) {
	t.Parallel()
	allowed := prefixes("35.188.196.183/32", "34.76.0.0/16", "2001:db8:1::/48")
	proxies := prefixes("10.0.0.0/8", "fd00::/8")
	tests := []struct {
		name, remote string
		forwarded    []string
		want         bool
	}{
		{"listed", "35.188.196.183:4000", nil, true},
		{"in a listed network", "34.76.143.229:4000", nil, true},
		{"not listed", "35.188.196.184:4000", nil, false},
		{"IPv4 as IPv6", "[::ffff:35.188.196.183]:4000", nil, true},
		{"IPv4 as IPv6, not listed", "[::ffff:35.188.196.184]:4000", nil, false},
		{"IPv6", "[2001:db8:1::7]:4000", nil, true},
		{"IPv6 with a zone", "[2001:db8:1::7%eth0]:4000", nil, true},
		{"IPv6, not listed", "[2001:db8:2::7]:4000", nil, false},
		{"no address", "@", nil, false},
		{"spoofed", "6.6.6.6:4000", []string{"35.188.196.183"}, false},
		{"listed, and says otherwise", "35.188.196.183:4000", []string{"6.6.6.6"}, true},
		{"by a proxy", "10.0.0.1:4000", []string{"35.188.196.183"}, true},
		{"by a proxy of IPv6", "[fd00::1]:4000", []string{"2001:db8:1::7"}, true},
		{"by a proxy, IPv4 as IPv6", "[::ffff:10.0.0.1]:4000", []string{"::ffff:34.76.1.1"}, true},
		{"by a proxy, with a port", "10.0.0.1:4000", []string{"35.188.196.183:5000"}, true},
		{"by a proxy, IPv6 with a port", "10.0.0.1:4000", []string{"[2001:db8:1::7]:5000"}, true},
		{"by a proxy, IPv6 in brackets", "10.0.0.1:4000", []string{"[2001:db8:1::7]"}, true},
		{"by a proxy, not listed", "10.0.0.1:4000", []string{"6.6.6.6"}, false},
		{"by a proxy, spoofed", "10.0.0.1:4000", []string{"35.188.196.183, 6.6.6.6"}, false},
		{"by a proxy, spoofed in a line of its own", "10.0.0.1:4000", []string{"35.188.196.183", "6.6.6.6"}, false},
		{"by a proxy, spoofed as a proxy", "10.0.0.1:4000", []string{"35.188.196.183, 6.6.6.6, 10.9.9.9"}, false},
		{"by a proxy, a wrong claim before it", "10.0.0.1:4000", []string{"6.6.6.6, 35.188.196.183"}, true},
		{"by a proxy, nonsense before it", "10.0.0.1:4000", []string{"<script>, 35.188.196.183"}, true},
		{"by several proxies", "10.0.0.1:4000", []string{"6.6.6.6, 35.188.196.183,10.0.0.3", "fd00::2"}, true},
		{"by several proxies, not listed", "10.0.0.1:4000", []string{"35.188.196.183, 6.6.6.6, 10.0.0.3, 10.0.0.2"}, false},
		{"a proxy that does not say for whom", "10.0.0.1:4000", nil, false},
		{"a proxy that says nothing", "10.0.0.1:4000", []string{""}, false},
		{"a proxy that says nonsense", "10.0.0.1:4000", []string{"35.188.196.183, unknown"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			p := &fakePublisher{}
			s := newServer(t, ingest.Config{Publisher: p, Allowed: allowed, Proxies: proxies, Log: zerolog.New(&log)})
			r := signed(t, "http://localhost"+ingest.Path, secret, small)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.remote, tt.forwarded
			if tt.want {
				serve(s, r).expect(t, http.StatusOK, `{"status":"stored"}`)
				return
			}
			serve(s, r).expect(t, http.StatusServiceUnavailable, elsewhere)
			if len(p.messages()) > 0 || !strings.Contains(log.String(), `"outcome":"address"`) {
				t.Errorf("%d messages are stored, and logged is %s", len(p.messages()), &log)
			}
			if strings.Contains(log.String(), "script") {
				t.Errorf("the log has what the sender made up: %s", &log)
			}
		})
	}
}

// For a call from inside the operator's network, all addresses are proxies.
func TestAllowedNetworkOfProxies(t *testing.T) {
	t.Parallel()
	for inside, status := range map[string]int{"10.1.0.0/16": 200, "10.0.0.0/16": 503} {
		s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, Allowed: prefixes(inside), Proxies: prefixes("10.0.0.0/8")})
		r := signed(t, "http://localhost"+ingest.Path, secret, small)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = "10.0.0.1:4000", []string{"10.1.0.1, 10.0.0.2"}
		if a := serve(s, r); a.status != status {
			t.Errorf("with %s answered %d, want %d", inside, a.status, status)
		}
	}
}

// A call from a refused address is answered before its body or workspace is read. Probes are never refused.
func TestAddressComesFirst(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{Allowed: prefixes("35.188.196.183/32")})
	refused := "503 " + elsewhere
	for raw, want := range map[string]string{
		head(sign(small), "Content-Length: 900000000") + "\r\n":        refused,
		strings.Replace(call(small), ingest.Path, ingest.Path+"/x", 1): refused,
		head(length(small), webhook.HeaderSignature+": x") + "\r\n":    refused,
		"GET /healthz HTTP/1.1\r\n" + hostLine + "\r\n":                "200 ok",
	} {
		if diff := cmp.Diff([]string{want}, l.exchange(t, raw)); diff != "" {
			t.Errorf("answers to %.40q (-want +got):\n%s", raw, diff)
		}
	}
}
