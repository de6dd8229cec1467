package workerapp_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const smsRules = `version: 1
rules:
- {name: sms, when: {object_type: sms, metric: bounced}, set: {sms_bounced: true}}
`

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "effects.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMistakesInFiles(t *testing.T) {
	t.Parallel()
	bad, worse := write(t, "version: 1\nrules: [a]\nx: 1\n"), write(t, "version: 9\n")
	env := map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme,globex", "EFFECTS_FILE": bad, "CUSTOMERIO_GLOBEX_EFFECTS_FILE": worse,
		"CUSTOMERIO_ACME_EFFECTS_FILE": "/nowhere/effects.yaml", "EFFECTS_DRY_RUN": "true",
	}
	err := parse(env)
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		"EFFECTS_FILE: " + bad + ":2: a rule must be", "EFFECTS_FILE: " + bad + ":3: unknown key",
		"CUSTOMERIO_ACME_EFFECTS_FILE: open /nowhere/effects.yaml: ", "CUSTOMERIO_GLOBEX_EFFECTS_FILE: " + worse + ":1: version must be 1",
		"CUSTOMERIO_GLOBEX_EFFECTS_FILE: " + worse + ":1: rules are missing",
	}
	if got := strings.Split(err.Error(), "\n"); len(got) != len(want) {
		t.Errorf("%d mistakes, want %d: %v", len(got), len(want), err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q:\n%v", w, err)
		}
	}
	env["WORKER_CONSUMERS"] = "warehouse"
	if err := parse(env); err != nil {
		t.Errorf("a worker without effects reads their files: %v", err)
	}
}

// A scene is a worker with the effects consumers, its log and its instruments.
type scene struct {
	t    *testing.T
	fake *customeriotest.Fake
	conn *stream.Conn
	app  *workerapp.App
	log  syncBuffer
	// consumers is the number of consumers, two for each workspace.
	consumers int
}

func start(t *testing.T, env map[string]string) *scene {
	t.Helper()
	nats := streamtest.Start(t)
	return startOn(t, nats, nats.Connect(stream.Settings{}), env)
}

func startOn(t *testing.T, nats *streamtest.Server, conn *stream.Conn, env map[string]string) *scene {
	t.Helper()
	s := &scene{t: t, conn: conn, fake: customeriotest.New(customeriotest.Config{KnowsEverybody: true})}
	api := httptest.NewServer(s.fake)
	t.Cleanup(api.Close)
	env["NATS_URL"], env["ADMIN_ADDR"], env["CUSTOMERIO_TRACK_URL"] = nats.URL(), "127.0.0.1:0", api.URL
	env["WORKER_CONSUMERS"] = "suppression,engagement"
	s.consumers = 2 * (1 + strings.Count(env["CUSTOMERIO_WORKSPACES"], ","))

	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.app, err = workerapp.New(cfg, zerolog.New(&s.log)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the worker ended with: %v", err)
		}
	})
	return s
}

// handle publishes the bodies in the workspace and waits until the worker has handled
// all events.
func (s *scene) handle(workspace string, bodies ...string) {
	s.t.Helper()
	subjects := s.publish(workspace, bodies...)
	_, last, err := s.conn.Positions(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	first := last + 1 - min(last, uint64(len(subjects)))
	s.eventually("the events are handled", func() bool { return s.idle() && s.settled(first, subjects) })
}

// settled reports whether the consumers have settled the messages from a sequence on. The
// lag alone does not tell: the server counts a new message a little later.
func (s *scene) settled(first uint64, subjects []string) bool {
	positions, _, err := s.conn.Positions(s.t.Context())
	return err == nil && !slices.ContainsFunc(positions, func(p stream.Position) bool { return !hasSettled(&p, first, subjects) })
}

// hasSettled reports whether a consumer has settled the messages from a sequence on.
func hasSettled(p *stream.Position, first uint64, subjects []string) bool {
	for n, subject := range subjects {
		if !p.HasSettled(first+uint64(n), subject) {
			return false
		}
	}
	return true
}

// publish returns the subjects of the messages.
func (s *scene) publish(workspace string, bodies ...string) (subjects []string) {
	s.t.Helper()
	publisher, err := stream.NewPublisher(s.conn, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer publisher.Close()
	for _, body := range bodies {
		e, err := webhook.Parse([]byte(body))
		if err != nil {
			s.t.Fatal(err)
		}
		m := &event.Message{
			Workspace: workspace, ID: e.ID, ObjectType: string(e.ObjectType), Metric: string(e.Metric),
			ReceivedAt: time.Now(), Body: []byte(body),
		}
		if _, err := publisher.Publish(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
		subjects = append(subjects, stream.Subject(m))
	}
	return subjects
}

func (s *scene) idle() bool {
	status, err := s.conn.Status(s.t.Context())
	if err != nil || len(status.Consumers) < s.consumers {
		return false
	}
	for _, c := range status.Consumers {
		if c.Lag > 0 {
			return false
		}
	}
	return true
}

const (
	smsBounced = `{"event_id":"sms-1","object_type":"sms","metric":"bounced","timestamp":1755600006,"data":{"identifiers":{"cio_id":"p1"},"failure_message":"30003"}}`
	spammed    = `{"event_id":"spam-1","object_type":"email","metric":"spammed","timestamp":1755600006,"data":{"identifiers":{"cio_id":"p2","email":"joe@example.com"}}}`
)

func TestEachWorkspaceHasItsPolicy(t *testing.T) {
	t.Parallel()
	path := write(t, smsRules)
	s := start(t, map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_ACME_EFFECTS_FILE": path,
		"CUSTOMERIO_ACME_SITE_ID": "s", "CUSTOMERIO_ACME_TRACK_API_KEY": "k", "CUSTOMERIO_GLOBEX_SITE_ID": "g", "CUSTOMERIO_GLOBEX_TRACK_API_KEY": "k",
	})
	s.handle("acme", smsBounced, spammed)
	if c := s.fake.Counts(); c.Identify != 1 || c.Suppress != 0 {
		t.Errorf("acme makes %+v, want one identify", c)
	}
	s.handle("globex", smsBounced, spammed)
	if c := s.fake.Counts(); c.Identify != 2 || c.Suppress != 1 {
		t.Errorf("both make %+v, want two identifies and a suppression", c)
	}
	want := []string{
		`mode="suppress",source="` + path + `",unknown_bounce="false",workspace="acme"`,
		`mode="suppress",source="built-in",unknown_bounce="false",workspace="globex"`,
	}
	if got := s.info(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the policies are\n%q\nwant\n%q", got, want)
	}
	for _, text := range []string{"no rule suppresses", "DELETES the profile for good"} {
		if !strings.Contains(s.log.String(), text) {
			t.Errorf("the log does not say %q:\n%s", text, &s.log)
		}
	}
}

// A word that this version does not know may be new at Customer.io, so a rule with the word
// is no mistake.
func TestUnknownWordsAreLogged(t *testing.T) {
	t.Parallel()
	path := write(t, "version: 1\nrules:\n- {name: a, when: {object_type: hologram, metric: [vanished, spammed]}, set: {a: true}}\n")
	s := start(t, map[string]string{
		"EFFECTS_FILE": path, "SUPPRESS_UNKNOWN_BOUNCE": "true", "CUSTOMERIO_SITE_ID": "s", "CUSTOMERIO_TRACK_API_KEY": "k",
	})
	s.handle("default", `{"event_id":"v-1","object_type":"hologram","metric":"vanished","timestamp":1755600006,"data":{"identifiers":{"cio_id":"p1"}}}`)
	if c := s.fake.Counts(); c.Identify != 1 {
		t.Errorf("calls are %+v, want one identify", c)
	}
	for _, text := range []string{`"level":"warn"`, `EFFECTS_FILE: ` + path + `:3: rule a: this version does not know the metric \"vanished\"`} {
		if n := strings.Count(s.log.String(), text); n == 0 {
			t.Errorf("the log does not say %q:\n%s", text, &s.log)
		}
	}
	if want := []string{`mode="suppress",source="` + path + `",unknown_bounce="true",workspace="default"`}; strings.Join(s.info(), "\n") != want[0] {
		t.Errorf("the policies are %q, want %q", s.info(), want)
	}
}

// info returns the labels of the policies in the metrics.
func (s *scene) info() []string {
	families, err := s.app.Metrics().Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	var list []string
	for _, f := range families {
		if f.GetName() != "cioevents_suppression_policy_info" {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			list = append(list, strings.Join(labels, ","))
		}
	}
	return list
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]string{"EFFECTS_DRY_RUN": "true"}) // no credentials
	s.handle("default", smsBounced, spammed)
	if c := s.fake.Counts(); c != (customeriotest.Counts{}) {
		t.Errorf("a dry run makes %+v", c)
	}
	log := s.log.String()
	for _, want := range []string{
		`"event_id":"spam-1","call":"identify","attributes":["spam_complaint","spam_complaint_at"]`,
		`"event_id":"spam-1","call":"suppress","attributes":[]`, `"level":"warn","message":"EFFECTS_DRY_RUN`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
	for _, secret := range []string{"joe@example.com", "p2", "sms-1"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
}

// A syncBuffer is a log for concurrent writing and reading.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
