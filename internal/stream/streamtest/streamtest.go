// Package streamtest runs a real NATS server with JetStream inside a test.
package streamtest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
)

// A Server is the NATS server of a test. The test can stop the server and start it
// again with the same data.
type Server struct {
	tb   testing.TB
	opts *natsserver.Options
	srv  *natsserver.Server
}

// An Option changes the options of the server before the start.
type Option func(*natsserver.Options)

// Start runs a server until the test ends. The server stores its data on disk, in a
// temporary folder of the test.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	opts := &natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RandomPort,
		JetStream: true, StoreDir: tb.TempDir(),
		NoLog: true, NoSigs: true,
	}
	for _, o := range options {
		o(opts)
	}
	s := &Server{tb: tb, opts: opts}
	s.Restart()
	tb.Cleanup(func() {
		soon(func() bool { return s.srv.NumClients() == 0 }) // the server reads what clients have sent before they closed
		s.Stop()
	})
	return s
}

// Configured takes accounts, users and limits from the text of a configuration file of
// nats-server.
func Configured(tb testing.TB, text string) Option {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	file, err := natsserver.ParseFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return func(o *natsserver.Options) {
		o.Accounts, o.Users, o.NoAuthUser, o.JetStreamLimits = file.Accounts, file.Users, file.NoAuthUser, file.JetStreamLimits
	}
}

// Restart starts a stopped server again, with its address and its data.
func (s *Server) Restart() {
	s.tb.Helper()
	srv, err := natsserver.Start(s.opts, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	if addr, ok := srv.Addr().(*net.TCPAddr); ok {
		s.opts.Port = addr.Port
	}
	s.srv = srv
}

// Stop stops the server and waits for its end. Before that, Stop lets the server answer the
// requests of the JetStream API: nats-server 2.15.2 has panicked with a nil pointer in
// processJSAPIRoutedRequests, which shutdownJetStream leaves running without a JetStream.
func (s *Server) Stop() {
	soon(func() bool {
		info, err := s.srv.Jsz(nil)
		return err != nil || info.API.Inflight == 0
	})
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// soon waits until a condition is met, for a second at most.
func soon(met func() bool) {
	for end := time.Now().Add(time.Second); !met(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			return
		}
	}
}

// Reload changes options of the running server, as a change of its file and a signal do.
func (s *Server) Reload(change Option) {
	s.tb.Helper()
	s.opts = s.opts.Clone() // the server compares the new options with its own
	change(s.opts)
	if err := s.srv.ReloadOptions(s.opts); err != nil {
		s.tb.Fatal(err)
	}
}

// LameDuck stops the server in the way of `nats-server --signal ldm`: the server hands its
// leaderships over, closes its clients one by one, and ends.
func (s *Server) LameDuck() {
	s.srv.LameDuckShutdown()
	s.srv.WaitForShutdown()
}

// Health returns what keeps the server from working, as its /healthz does, or nil.
func (s *Server) Health() error {
	if h := s.srv.Healthz(nil); h.Error != "" {
		return errors.New(h.Error)
	}
	return nil
}

// URL is the server's address for clients, with the user and the password that the
// server requires.
func (s *Server) URL() string {
	u := url.URL{Scheme: "nats", Host: net.JoinHostPort(s.opts.Host, strconv.Itoa(s.opts.Port))}
	if s.opts.Username != "" {
		u.User = url.UserPassword(s.opts.Username, s.opts.Password)
	}
	return u.String()
}

// Connect creates the streams and returns a connection, which is closed at the end of
// the test.
func (s *Server) Connect(settings stream.Settings) *stream.Conn {
	s.tb.Helper()
	conn, err := stream.Connect(stream.Config{URL: s.URL(), Log: zerolog.Nop()})
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(conn.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := conn.Ensure(ctx, settings); err != nil {
		s.tb.Fatal(err)
	}
	return conn
}

// DeleteStream deletes a stream with its messages and consumers, as an operator could
// by mistake. nats-server 2.15.2 removes the files after its answer, from a folder with a
// dot before the name (Delete of its file store). While this folder exists, a second deletion
// fails silently, and the recreated stream has the old messages.
func (s *Server) DeleteStream(name string) {
	s.tb.Helper()
	s.ask(func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, name) })
	soon(func() bool {
		removing, err := filepath.Glob(filepath.Join(s.opts.StoreDir, "jetstream", "*", "streams", "."+name))
		return len(removing) == 0 || err != nil
	})
}

// Stored counts the messages of a stream. The stream of a key-value bucket has a message
// for each key, and one for the trace of a deleted key.
func (s *Server) Stored(name string) (n int) {
	s.tb.Helper()
	s.ask(func(ctx context.Context, js jetstream.JetStream) error {
		st, err := js.Stream(ctx, name)
		if err == nil {
			n = int(st.CachedInfo().State.Msgs) //nolint:gosec // a few
		}
		return err
	})
	return n
}

func (s *Server) ask(question func(context.Context, jetstream.JetStream) error) {
	s.tb.Helper()
	nc, err := nats.Connect(s.URL())
	if err != nil {
		s.tb.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		s.tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := question(ctx, js); err != nil {
		s.tb.Fatal(err)
	}
}
