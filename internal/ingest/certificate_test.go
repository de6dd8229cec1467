package ingest_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/tlstest"
)

// A keyPair is a self-signed certificate and its key in PEM.
type keyPair struct{ cert, key []byte }

func newKeyPair(t *testing.T, serial int64, notAfter time.Time) keyPair {
	t.Helper()
	cert, key := tlstest.NewPair(t, serial, notAfter)
	return keyPair{cert, key}
}

// A secured is a TLS listener with its files, its clock and its log.
type secured struct {
	*listener
	t         *testing.T
	cert, key string
	clock     atomic.Int64 // seconds after now
	log       lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// newSecured starts a listener whose certificate has the serial number 1 and expires
// in a day.
func newSecured(t *testing.T, cfg ingest.Config) *secured {
	t.Helper()
	dir := t.TempDir()
	s := &secured{t: t, cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key")}
	s.write(newKeyPair(t, 1, now.Add(24*time.Hour)))
	cfg.TLSCertFile, cfg.TLSKeyFile, cfg.Log = s.cert, s.key, zerolog.New(&s.log)
	cfg.Now = func() time.Time { return now.Add(time.Duration(s.clock.Load()) * time.Second) }
	s.listener = serveOn(t, cfg)
	s.tls = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
	return s
}

func (s *secured) write(p keyPair) {
	s.t.Helper()
	err := errors.Join(os.WriteFile(s.cert, p.cert, 0o600), os.WriteFile(s.key, p.key, 0o600))
	if err != nil {
		s.t.Fatal(err)
	}
	s.clock.Add(1) // the files are due to be looked at
}

// serial is the number of the certificate that a new connection sees.
func (s *secured) serial() int64 {
	s.t.Helper()
	conn := s.dial(s.t).(*tls.Conn)
	defer conn.Close()
	if err := conn.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func (s *secured) notAfter() time.Time {
	s.t.Helper()
	return time.Unix(int64(instrument(s.t, s.listener, "cioevents_ingest_tls_not_after_timestamp_seconds", "")), 0)
}

// instrument returns the value of a gauge or a counter, for the value of its label if
// it has a label.
func instrument(tb testing.TB, l *listener, name, label string) float64 {
	tb.Helper()
	families, err := l.reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	tb.Fatalf("there is no %s", name)
	return 0
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	if got := s.exchange(t, call(small)); !cmp.Equal(got, []string{stored}) {
		t.Errorf("answered %q", got)
	}
	s.lives(t, small)

	conn := s.dial(t).(*tls.Conn)
	defer conn.Close()
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	if p := conn.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("the protocol is %q", p)
	}
	s.tls.MaxVersion = tls.VersionTLS11
	if err := s.dial(t).(*tls.Conn).Handshake(); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	s.tls.MaxVersion = tls.VersionTLS12
	if got := s.exchange(t, call(small)); !cmp.Equal(got, []string{duplicate}) {
		t.Errorf("by TLS 1.2 answered %q", got)
	}
}

// A caller that sends half a handshake or half a body delays no other caller.
func TestTLSSlowHandshake(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{HeaderTimeout: ample, BodyTimeout: soon})
	plain := &listener{addr: s.addr}
	conn := plain.dial(t)
	defer conn.Close()
	send(t, conn, "\x16\x03\x01\x02\x00\x01")
	if got := answers(t, conn); got != nil {
		t.Errorf("answered %q", got)
	}
	if got := plain.exchange(t, call(small)); !cmp.Equal(got, []string{malformed}) {
		t.Errorf("HTTP is answered %q", got)
	}
	slow := s.dial(t)
	defer slow.Close()
	send(t, slow, head(sign(small), length(small))+"\r\n"+small[:9])
	if got := answers(t, slow); !cmp.Equal(got, []string{incomplete}) {
		t.Errorf("half a body is answered %q", got)
	}
	if s.log.count("TLS handshake error") == 0 {
		t.Error("a failed handshake is not logged")
	}
	s.lives(t)
}

func TestWhereARequestEndsWithTLS(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	for _, tt := range framings {
		if tt.signed {
			continue // it would be a duplicate of the one before
		}
		if diff := cmp.Diff(tt.want, s.exchange(t, tt.raw)); diff != "" {
			t.Errorf("%s: answers (-want +got):\n%s", tt.name, diff)
		}
	}
	s.lives(t)
}

func TestNewCertificate(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	open := s.dial(t)
	defer open.Close()
	send(t, open, call(`{"event_id":"1"}`))
	r := bufio.NewReader(open)
	if got, err := readAnswer(r); got != stored || err != nil {
		t.Fatalf("answered %s, %v", got, err)
	}
	until := now.Add(48 * time.Hour)
	s.write(newKeyPair(t, 2, until))
	if got := s.notAfter(); !got.Equal(until) {
		t.Errorf("the certificate expires %v, want %v", got, until)
	}
	if n := s.serial(); n != 2 {
		t.Errorf("the certificate is number %d, want 2", n)
	}
	send(t, open, call(`{"event_id":"2"}`)) // on the connection from before
	if got, err := readAnswer(r); got != stored || err != nil {
		t.Errorf("the open connection is answered %s, %v", got, err)
	}
}

// An invalid certificate leaves the current certificate in use and is logged once.
func TestBrokenCertificate(t *testing.T) {
	t.Parallel()
	one, two := newKeyPair(t, 2, now.Add(time.Hour)), newKeyPair(t, 3, now.Add(time.Hour))
	tests := []struct {
		name   string
		files  keyPair
		reason string
	}{
		{"nothing", keyPair{}, "failed to find any PEM data"},
		{"half a certificate", keyPair{one.cert[:100], one.key}, "failed to find"},
		{"no certificate", keyPair{one.key, one.key}, "failed to find"},
		{"the other's key", keyPair{one.cert, two.key}, "does not match"},
		{"expired", newKeyPair(t, 4, now.Add(-time.Hour)), "expired at 2021-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSecured(t, ingest.Config{})
			s.write(tt.files)
			for range 3 {
				if n := s.serial(); n != 1 {
					t.Errorf("the certificate is number %d, want 1", n)
				}
				s.clock.Add(1)
			}
			if n := s.log.count("the current certificate stays in use"); n != 1 || s.log.count(tt.reason) != 1 {
				t.Errorf("the error is logged %d times, or without %q", n, tt.reason)
			}
			if got := s.notAfter(); !got.Equal(now.Add(24 * time.Hour)) {
				t.Errorf("the certificate expires %v", got)
			}
			s.write(two)
			if n := s.serial(); n != 3 {
				t.Errorf("after the repair of the files the certificate is number %d, want 3", n)
			}
		})
	}
	t.Run("a byte order mark", func(t *testing.T) {
		t.Parallel()
		s := newSecured(t, ingest.Config{})
		pair, mark := newKeyPair(t, 5, now.Add(time.Hour)), []byte("\ufeff")
		s.write(keyPair{append(mark, pair.cert...), append(mark, pair.key...)})
		if n := s.serial(); n != 5 {
			t.Errorf("the certificate is number %d, want 5", n)
		}
	})
	t.Run("gone", func(t *testing.T) {
		t.Parallel()
		s := newSecured(t, ingest.Config{})
		if err := os.Remove(s.key); err != nil {
			t.Fatal(err)
		}
		s.clock.Add(1)
		if n := s.serial(); n != 1 || s.log.count("no such file") != 1 {
			t.Errorf("the certificate is number %d, want 1", n)
		}
	})
}

// Handshakes are frequent: the files are not read for each handshake.
func TestCertificateIsReadOnceASecond(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	s.write(newKeyPair(t, 2, now.Add(time.Hour)))
	s.clock.Add(-1) // it is not due yet
	if n := s.serial(); n != 1 {
		t.Errorf("the certificate is number %d, want 1", n)
	}
}

func TestNewRefusesABrokenCertificate(t *testing.T) {
	t.Parallel()
	s := newSecured(t, ingest.Config{})
	for _, files := range [][2]string{{s.cert, s.cert}, {s.cert, "/nowhere"}, {"/nowhere", s.key}} {
		cfg := ingest.Config{Publisher: &fakePublisher{}, Workspaces: make([]ingest.Workspace, 1), TLSCertFile: files[0], TLSKeyFile: files[1]}
		if _, err := ingest.New(cfg); err == nil {
			t.Errorf("%q is accepted", files)
		}
	}
}
