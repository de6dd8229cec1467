package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
)

const proxyLine = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"

// net/http answers such requests without a handler, without a log line and without an
// instrument.
func TestWhatNetHTTPRefusesIsCounted(t *testing.T) {
	t.Parallel()
	for outcome, tt := range map[string]struct{ raw, want, log string }{
		"proxy_protocol":   {proxyLine + call(small), proxied, "sends the PROXY protocol; switch it off there"},
		"header_too_large": {head("X-A: "+strings.Repeat("a", 40<<10)) + "\r\n", tooLong, "header larger than 16 KiB"},
		"malformed":        {"nonsense\r\n\r\n", malformed, "not a request of HTTP/1.1"},
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			var log lines
			l := serveOn(t, ingest.Config{Log: zerolog.New(&log)})
			for range 3 {
				if diff := cmp.Diff([]string{tt.want}, l.exchange(t, tt.raw)); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
			}
			if n := instrument(t, l, "cioevents_ingest_answers_total", outcome); n != 3 {
				t.Errorf("%v of 3 are counted", n)
			}
			if n := log.count(tt.log); n != 1 {
				t.Errorf("%d lines are logged, want 1 a minute", n)
			}
			l.lives(t)
		})
	}
}

// A load balancer sends the PROXY protocol before TLS, or inside.
func TestProxyProtocolWithTLS(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	outside := &listener{addr: s.addr}
	for _, l := range []*listener{outside, s.listener} {
		if diff := cmp.Diff([]string{proxied}, l.exchange(t, proxyLine+call(small))); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	}
	if n := instrument(t, s.listener, "cioevents_ingest_answers_total", "proxy_protocol"); n != 2 {
		t.Errorf("%v of 2 are counted", n)
	}
	s.lives(t)
}

// A listener with TLS that gets HTTP, and the reverse, must not be told the other case.
func TestHTTPToATLSListenerIsNamed(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	outside := &listener{addr: s.addr}
	if diff := cmp.Diff([]string{malformed}, outside.exchange(t, call(small))); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if s.log.count("only one of proxy and listener (TLS_CERT_FILE) speaks TLS") != 1 || s.log.count("to a listener without TLS") != 0 {
		t.Errorf("the log says %s", s.log.buf.String())
	}
}

// The first packet of a load balancer may have a few bytes only.
func TestSplitProxyHeaderIsRecognized(t *testing.T) {
	t.Parallel()
	l := serveOn(t, ingest.Config{})
	version2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + strings.Repeat("\x01", 12)
	for _, header := range []string{proxyLine, version2} {
		for _, first := range []int{1, 2, 3, 4} {
			conn := l.dial(t)
			send(t, conn, header[:first])
			<-time.After(20 * time.Millisecond)
			sendAll(conn, header[first:]+call(small))
			if diff := cmp.Diff([]string{proxied}, answers(t, conn)); diff != "" {
				t.Errorf("%q after %d bytes (-want +got):\n%s", header[:5], first, diff)
			}
			conn.Close()
		}
	}
	if diff := cmp.Diff([]string{malformed}, l.exchange(t, "\r\n\r")); diff != "" {
		t.Errorf("half a prefix (-want +got):\n%s", diff)
	}
	l.lives(t)
}
