package stream_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/rs/zerolog"

	settings "github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/tlstest"
)

// An identity is a self-signed certificate for 127.0.0.1.
type identity struct {
	cert, key string // paths
	pair      tls.Certificate
	pool      *x509.CertPool
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	cert, key := tlstest.NewPair(t, time.Now().UnixNano(), time.Now().Add(time.Hour))
	id := &identity{cert: filepath.Join(t.TempDir(), "cert.pem"), key: filepath.Join(t.TempDir(), "key.pem"), pool: x509.NewCertPool()}
	write(t, id.cert, cert)
	write(t, id.key, key)
	id.pool.AppendCertsFromPEM(cert)
	var err error
	if id.pair, err = tls.X509KeyPair(cert, key); err != nil {
		t.Fatal(err)
	}
	return id
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tlsOnly makes a server accept only TLS, and require a client certificate when the
// authority for client certificates is set.
func tlsOnly(id, client *identity) streamtest.Option {
	return func(o *server.Options) {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{id.pair}}
		o.TLSTimeout = 5
		if client != nil {
			o.TLSConfig.ClientAuth, o.TLSConfig.ClientCAs = tls.RequireAndVerifyClientCert, client.pool
		}
	}
}

func connect(t *testing.T, cfg stream.Config) *stream.Conn {
	t.Helper()
	cfg.Log = zerolog.Nop()
	conn, err := stream.Connect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// works stores and fetches an event, and fails the test otherwise.
func works(t *testing.T, conn *stream.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Ensure(ctx, stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	publish(t, publisher(t, conn), message("abc"))
	if got := fetch(t, open(t, conn, "all", stream.AllEvents), 1); len(got) != 1 {
		t.Errorf("%d messages fetched, want 1", len(got))
	}
}

// isKeptOut expects that no connection comes up and that the errors name the reason.
func isKeptOut(t *testing.T, conn *stream.Conn, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := conn.WaitConnected(ctx)
	if err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("WaitConnected = %v, want %q in it", err, reason)
	}
	if err := conn.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("Ready = %v, want %q in it", err, reason)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	id, client := newIdentity(t), newIdentity(t)
	open := streamtest.Start(t, tlsOnly(id, nil))
	mutual := streamtest.Start(t, tlsOnly(id, client))
	plain := streamtest.Start(t)

	works(t, connect(t, stream.Config{URL: open.URL(), TLSCA: id.cert}))
	works(t, connect(t, stream.Config{URL: mutual.URL(), TLSCA: id.cert, TLSCert: client.cert, TLSKey: client.key}))

	unknown := "certificate signed by unknown authority"
	isKeptOut(t, connect(t, stream.Config{URL: open.URL()}), unknown) // the system's roots
	isKeptOut(t, connect(t, stream.Config{URL: open.URL(), TLSCA: client.cert}), unknown)
	isKeptOut(t, connect(t, stream.Config{URL: mutual.URL(), TLSCA: id.cert}), "tls")
	isKeptOut(t, connect(t, stream.Config{URL: mutual.URL(), TLSCA: id.cert, TLSCert: id.cert, TLSKey: id.key}), "tls")
	// The client does not fall back to plain text.
	isKeptOut(t, connect(t, stream.Config{URL: strings.Replace(plain.URL(), "nats:", "tls:", 1)}), "secure connection not available")
	isKeptOut(t, connect(t, stream.Config{URL: plain.URL(), TLSCA: id.cert}), "secure connection not available")
}

// A missing file is reported at the start, under the name of its setting.
func TestMissingFilesOfTLS(t *testing.T) {
	t.Parallel()
	for setting, cfg := range map[string]stream.Config{
		"NATS_TLS_CA: ":                 {TLSCA: "/nowhere"},
		"NATS_TLS_CERT, NATS_TLS_KEY: ": {TLSCert: "/nowhere", TLSKey: "/nowhere"},
	} {
		_, err := stream.Connect(cfg)
		if _, ok := errors.AsType[*settings.UsageError](err); !ok || !strings.Contains(err.Error(), setting) || !strings.Contains(err.Error(), "/nowhere") {
			t.Errorf("%s%v", setting, err)
		}
	}
}

// A credentials file contains the user's JWT, signed by the account, and the user's
// key.
func TestCredentials(t *testing.T) {
	t.Parallel()
	operator, account, system := newKey(t, nkeys.CreateOperator), newKey(t, nkeys.CreateAccount), newKey(t, nkeys.CreateAccount)
	resolver := &server.MemAccResolver{}
	for _, key := range []nkeys.KeyPair{account, system} {
		claims := jwt.NewAccountClaims(public(t, key))
		if key == account {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
		}
		if err := resolver.Store(claims.Subject, encode(t, claims, operator)); err != nil {
			t.Fatal(err)
		}
	}
	srv := streamtest.Start(t, func(o *server.Options) {
		o.TrustedKeys = []string{public(t, operator)}
		o.AccountResolver, o.SystemAccount = resolver, public(t, system)
	})
	works(t, connect(t, stream.Config{URL: srv.URL(), Creds: credentials(t, account, time.Time{})}))

	isKeptOut(t, connect(t, stream.Config{URL: srv.URL()}), "Authorization Violation")
	isKeptOut(t, connect(t, stream.Config{URL: srv.URL(), Creds: credentials(t, account, time.Now().Add(-time.Minute))}), "Authorization Violation")
	isKeptOut(t, connect(t, stream.Config{URL: srv.URL(), Creds: credentials(t, newKey(t, nkeys.CreateAccount), time.Time{})}), "Authorization Violation")
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	name, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func encode(t *testing.T, claims jwt.Claims, signer nkeys.KeyPair) string {
	t.Helper()
	token, err := claims.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// credentials returns the path of a credentials file for a user of the account.
func credentials(t *testing.T, account nkeys.KeyPair, expires time.Time) string {
	t.Helper()
	user := newKey(t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(public(t, user))
	if !expires.IsZero() {
		claims.Expires = expires.Unix()
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	file, err := jwt.FormatUserConfig(encode(t, claims, account), seed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "user.creds")
	write(t, path, file)
	return path
}

func TestAddressIsNotShown(t *testing.T) {
	t.Parallel()
	const password = "s3cr3t"
	for _, url := range []string{
		"nats://user:" + password + "%zz@127.0.0.1:4222",
		"nats://user:" + password + "/@127.0.0.1:4222",
		"nats://user:" + password + "#@127.0.0.1:4222",
		"nats://user:" + password + "[@127.0.0.1:4222",
		"127.0.0.1:4222,nats://" + password + "%@127.0.0.1",
		"nats://",
	} {
		conn, err := stream.Connect(stream.Config{URL: url})
		if err == nil {
			conn.Close()
			t.Errorf("Connect(%q) succeeds", url)
			continue
		}
		if strings.Contains(err.Error(), password[:3]) || !strings.Contains(err.Error(), "NATS_URL") {
			t.Errorf("Connect(%q) says %v", url, err)
		}
	}
	cfg := stream.Config{URL: "nats://user:" + password + "@one:4222, " + password + "@two"}
	if got, want := cfg.Redacted(), "nats://one:4222,nats://two"; got != want {
		t.Errorf("Redacted() = %q, want %q", got, want)
	}
}
