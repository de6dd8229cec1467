package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A shell runs cioctl with a NATS server of its own.
type shell struct {
	srv  *streamtest.Server
	t    *testing.T
	url  string
	conn *stream.Conn
	pub  *stream.Publisher
	env  map[string]string // besides NATS_URL

	asked map[string]bool // collects the variables that commands read, unless nil
}

func newShell(t *testing.T) *shell {
	t.Helper()
	server := streamtest.Start(t)
	s := &shell{t: t, srv: server, url: server.URL(), conn: server.Connect(stream.Settings{})}
	var err error
	if s.pub, err = stream.NewPublisher(s.conn, 0); err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns the output of cioctl and its exit code.
func (s *shell) run(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	return s.runIn(s.t.Context(), strings.NewReader(""), args...)
}

func (s *shell) runIn(ctx context.Context, stdin *strings.Reader, args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	var out, errs bytes.Buffer
	getenv := func(name string) string {
		if s.asked != nil {
			s.asked[name] = true
		}
		return cmp.Or(s.env[name], map[string]string{"NATS_URL": s.url}[name])
	}
	err := run(ctx, args, getenv, stdin, &out, &errs)
	code = config.ExitCode(&errs, "cioctl", err)
	return out.String(), errs.String(), code
}

// ok fails the test when the command fails.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("cioctl %v: exit code %d\n%s", args, code, errs)
	}
	return out
}

// read runs a command with JSON output.
func read[T any](s *shell, args ...string) (v T) {
	s.t.Helper()
	out := s.ok(append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		s.t.Fatalf("cioctl %v: %v\n%s", args, err, out)
	}
	return v
}

func (s *shell) publish(id, metric string) *event.Message {
	s.t.Helper()
	m := &event.Message{Workspace: "acme", ID: id, ObjectType: "email", Metric: metric, ReceivedAt: time.Now(), Body: []byte(`{"event_id":"` + id + `"}`)}
	if _, err := s.pub.Publish(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *shell) store(d event.DeadLetter) {
	s.t.Helper()
	if err := s.pub.StoreDeadLetter(s.t.Context(), &d); err != nil {
		s.t.Fatal(err)
	}
}

// wrong checks that a command ends with exit code 2 and a hint on standard error.
func (s *shell) wrong(hint string, args ...string) {
	s.t.Helper()
	_, errs, code := s.run(args...)
	if code != 2 || !strings.Contains(errs, hint) {
		s.t.Errorf("cioctl %v: exit code %d, want 2 with %q:\n%s", args, code, hint, errs)
	}
}
