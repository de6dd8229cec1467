package ingest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	stored     = `200 {"status":"stored"}`
	duplicate  = `200 {"status":"duplicate"}`
	unsigned   = `401 {"error":"Missing signature"}`
	misSigned  = `401 {"error":"Invalid signature"}`
	notFound   = `404 {"error":"Not found"}`
	badMethod  = `405 {"error":"Method not allowed"}`
	incomplete = `503 {"error":"Incomplete body"}`
	// Answers in place of net/http's own, which would stall Customer.io's queue.
	malformed = `503 {"error":"Malformed request"}`
	tooLong   = `503 {"error":"Header too large"}`
	proxied   = `503 {"error":"PROXY protocol not accepted"}`
)

// A listener is a server on a real listener. Tests send raw bytes instead of using a
// client library.
type listener struct {
	p    *fakePublisher
	reg  *prometheus.Registry
	addr string
	// tls is the client's side, nil without TLS.
	tls *tls.Config
}

// serveOn runs a server until the test ends.
func serveOn(tb testing.TB, cfg ingest.Config) *listener {
	tb.Helper()
	l := &listener{p: &fakePublisher{}, reg: prometheus.NewRegistry()}
	if cfg.Publisher == nil {
		cfg.Publisher = l.p
	}
	cfg.Metrics = l.reg
	s := newServer(tb, cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		<-served // an error only says that a test has left a connection open
	})
	l.addr = ln.Addr().String()
	return l
}

func (l *listener) dial(tb testing.TB) net.Conn {
	tb.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err == nil && l.tls != nil {
		conn = tls.Client(conn, l.tls)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// exchange sends the bytes, closes its side for writing, and returns the answers until
// the server closes the connection.
func (l *listener) exchange(tb testing.TB, raw string) []string {
	tb.Helper()
	conn := l.dial(tb)
	defer conn.Close()
	sendAll(conn, raw)
	return answers(tb, conn)
}

// exchangeAny is exchange for bytes after which a reset is expected: the server closes
// the connection before it has read all bytes.
func (l *listener) exchangeAny(tb testing.TB, raw string) []string {
	tb.Helper()
	conn := l.dial(tb)
	defer conn.Close()
	sendAll(conn, raw)
	list, err := readAnswers(conn)
	if isTimeout(err) {
		tb.Errorf("the connection stays open after %q", list)
	}
	return list
}

func sendAll(conn net.Conn, raw string) {
	// The server may have answered and closed before it has read all bytes.
	_, _ = io.WriteString(conn, raw)
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
}

// answers reads until the end of the connection.
func answers(tb testing.TB, conn net.Conn) []string {
	tb.Helper()
	list, err := readAnswers(conn)
	if err != nil {
		tb.Errorf("after %q: %v", list, err)
	}
	return list
}

func readAnswers(conn net.Conn) (list []string, err error) {
	r := bufio.NewReader(conn)
	for {
		a, err := readAnswer(r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, a)
	}
}

func readAnswer(r *bufio.Reader) (string, error) {
	a, _, err := readWholeAnswer(r)
	return a, err
}

// readWholeAnswer also returns whether the answer says that the connection ends.
func readWholeAnswer(r *bufio.Reader) (text string, closed bool, err error) {
	if _, err := r.Peek(1); err != nil {
		return "", false, err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", false, fmt.Errorf("read answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", false, fmt.Errorf("read body of answer: %w", err)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, body)), resp.Close, nil
}

// lives fails the test unless a usual call is stored, and nothing else is stored except
// the calls that the test has signed.
func (l *listener) lives(t *testing.T, signed ...string) {
	t.Helper()
	const usual = `{"event_id":"usual"}`
	if diff := cmp.Diff([]string{stored}, l.exchange(t, call(usual))); diff != "" {
		t.Errorf("a usual call afterwards (-want +got):\n%s", diff)
	}
	var got []string
	for _, m := range l.p.messages() {
		got = append(got, string(m.Body))
	}
	if diff := cmp.Diff(append(signed, usual), got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if dead := l.p.deadLetters(); len(dead) > 0 {
		t.Errorf("%d dead letters", len(dead))
	}
}

const hostLine = "Host: localhost\r\n"

// head is the header of a call without its last line, unsigned.
func head(lines ...string) string {
	return "POST " + ingest.Path + " HTTP/1.1\r\n" + hostLine + strings.Join(append(lines, ""), "\r\n")
}

// sign is the lines that sign a body.
func sign(body string) string {
	h := http.Header{}
	webhook.SignRequest(h, secret, now, []byte(body))
	return fmt.Sprintf("%s: %s\r\n%s: %s", webhook.HeaderTimestamp, h.Get(webhook.HeaderTimestamp), webhook.HeaderSignature, h.Get(webhook.HeaderSignature))
}

func length(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }

// call is a whole signed call.
func call(body string) string { return head(sign(body), length(body)) + "\r\n" + body }

// chunk is a body of one chunk, without the last one.
func chunk(body string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(body), body) }
