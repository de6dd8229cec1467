// Package examples_test runs the example programs against a NATS server with the users of
// deploy/, and checks what docs/consumers.md promises them.
package examples_test

import (
	"bufio"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// name is the consumer of the commented user in accounts.conf.
const name = "slack-complaints"

// A site is a NATS server with the users of deploy/, their passwords equal to their names.
type site struct {
	t        *testing.T
	srv      *streamtest.Server
	operator *stream.Conn
	pub      *stream.Publisher
}

func newSite(t *testing.T) *site {
	t.Helper()
	for _, user := range []string{"INGEST", "WORKER", "OPERATOR", "SLACK_COMPLAINTS"} {
		t.Setenv("NATS_"+user+"_PASSWORD", strings.ToLower(strings.ReplaceAll(user, "_", "-")))
	}
	conf, err := os.ReadFile("../deploy/k8s/base/nats/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, srv: streamtest.Start(t, streamtest.Configured(t, strings.ReplaceAll(string(conf), "#|", "")))}
	s.operator = s.connect("operator", "_INBOX")
	if _, err := s.operator.Ensure(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if s.pub, err = stream.NewPublisher(s.connect("ingest", "_INBOX_ingest"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pub.Close)
	order := operate.ForeignOrder{Name: name, Filter: operate.Filter{Metrics: []string{"spammed"}}}
	if _, err := operate.CreateForeign(t.Context(), s.operator, order); err != nil {
		t.Fatal(err)
	}
	return s
}

// url is the address of the server with the user's name and password.
func (s *site) url(user string) string {
	u, err := url.Parse(s.srv.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	u.User = url.UserPassword(user, user)
	return u.String()
}

func (s *site) connect(user, inbox string) *stream.Conn {
	s.t.Helper()
	conn, err := stream.Connect(stream.Config{URL: s.url(user), InboxPrefix: inbox, Log: zerolog.Nop()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	if err := conn.WaitConnected(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func (s *site) publish(id, metric, body string) {
	s.t.Helper()
	m := event.Message{Workspace: "acme", ID: id, ObjectType: "email", Metric: metric, ReceivedAt: time.Now(), Body: []byte(body)}
	if _, err := s.pub.Publish(s.t.Context(), &m); err != nil {
		s.t.Fatal(err)
	}
}

// A program is a running example.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines <-chan string
}

func (s *site) start(dir string, command ...string) *program {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), command[0], command[1:]...) //nolint:gosec // the examples
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "NATS_URL="+s.url(name), "CONSUMER="+name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
		close(lines)
	}()
	return &program{s.t, cmd, lines}
}

func (p *program) prints(want string) {
	p.t.Helper()
	select {
	case got := <-p.lines:
		if got != want {
			p.t.Errorf("the program prints %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the program does not print %q", want)
	}
}

// ends stops the program as a service manager does.
func (p *program) ends() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	for line := range p.lines {
		p.t.Errorf("the program prints %q at its end", line)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ends with %v", err)
	}
}

// deadLetter waits for a dead letter of the program.
func (s *site) deadLetter() *event.StoredDeadLetter {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	var found *event.StoredDeadLetter
	err := operate.TailDeadLetters(ctx, s.operator, &operate.EventFilter{}, time.Time{}, func(d event.StoredDeadLetter) bool {
		found = &d
		return false
	})
	if found == nil {
		s.t.Fatalf("no dead letter: %v", err)
	}
	return found
}

func (s *site) check(p *program) {
	s.t.Helper()
	s.publish("E1", "opened", `{"event_id":"E1","metric":"opened","data":{"identifiers":{"cio_id":"a1"}}}`)
	s.publish("E2", "spammed", `{"event_id":"E2","metric":"spammed","data":{"identifiers":{"cio_id":"b2"}}}`)
	p.prints("acme:E2 spammed b2")
	s.publish("E3", "spammed", `no event`)
	d := s.deadLetter()
	if d.From != name || d.Reason != "rejected" || d.ID != "E3" || d.Attempts != 3 || d.Err == "" || d.Sequence != 3 || string(d.Body) != "no event" || d.StoredAt.IsZero() {
		s.t.Errorf("dead letter: %+v", d)
	}
	for range 2 { // a redriven message that fails again is another dead letter
		r, err := operate.RedriveDeadLetters(s.t.Context(), s.operator, [][]uint64{d.Entries}, false, func() {})
		if err != nil || r.Redriven != 1 || r.Duplicates != 0 {
			s.t.Errorf("redrive: %+v, %v", r, err)
		}
		if d = s.deadLetter(); d.Subject != "customerio.redrive."+name+".acme.email.spammed" {
			s.t.Errorf("the second dead letter is of %s", d.Subject)
		}
	}
	p.ends()
	if status, err := operate.ForeignStatus(s.t.Context(), s.operator, name); err != nil || status.Lag != 0 {
		s.t.Errorf("after the program: %+v, %v", status, err)
	}
}

func TestGoConsumer(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "consumer")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./go-consumer").CombinedOutput(); err != nil { //nolint:gosec // a fixed command
		t.Fatalf("%v: %s", err, out)
	}
	s := newSite(t)
	s.check(s.start(".", binary))
}

func TestNodeConsumer(t *testing.T) {
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = "node-consumer"
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v: %s", err, out)
	}
	s := newSite(t)
	s.check(s.start("node-consumer", "node", "consumer.mjs"))
}

// The user of the program may do what the program does, and nothing else.
func TestLeastPrivilege(t *testing.T) {
	s := newSite(t)
	s.publish("E1", "spammed", `{}`)
	violations := make(chan error, 10)
	nc, err := nats.Connect(s.url(name), nats.CustomInboxPrefix("_INBOX_"+name), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, subject := range []string{
		"customerio.events.acme.email.spammed", "customerio.redrive.suppression.acme.email.spammed", "customerio.dead.ingest.rejected",
		"$JS.API.STREAM.INFO.CUSTOMERIO", "$JS.API.STREAM.MSG.GET.CUSTOMERIO", "$JS.API.STREAM.MSG.DELETE.CUSTOMERIO", "$JS.API.STREAM.PURGE.CUSTOMERIO",
		"$JS.API.CONSUMER.CREATE.CUSTOMERIO.other", "$JS.API.CONSUMER.DELETE.CUSTOMERIO." + name, "$JS.API.CONSUMER.MSG.NEXT.CUSTOMERIO.suppression",
		"$JS.ACK.CUSTOMERIO.suppression.1.1.1.1.0", "$KV.CIOEVENTS_STATE.x",
	} {
		if err := nc.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
		refused(t, violations, "publish to "+subject)
	}
	for _, subject := range []string{">", "customerio.events.>", "_INBOX.>", "_INBOX_worker.>"} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		refused(t, violations, "subscribe to "+subject)
	}
}

func refused(t *testing.T, violations <-chan error, what string) {
	t.Helper()
	select {
	case err := <-violations:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("%s is allowed", what)
	}
}
