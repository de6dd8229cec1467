package workerapp_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// person matches the ids, addresses and phone numbers of the people of a simulation.
var person = regexp.MustCompile(`simulated-\d+|[\w.+-]+@[\w-]+\.\w+|\+\d{8,}`)

// Logs of all levels and instruments name nobody: while effects work, while the Track API
// fails, and while it refuses every call, so that each event becomes a dead letter.
func TestLogsAndInstrumentsNameNobody(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	s.env["WORKER_CONSUMERS"], s.env["WAREHOUSE_URL"] = "suppression,engagement,warehouse", "duckdb:"+filepath.Join(t.TempDir(), "e.duckdb")
	app, stop := s.launch()
	for seed, status := range []int{0, 400, 500} {
		s.acme.Store(int64(status))
		first, subjects := s.simulate("acme", uint64(seed))
		if status == 500 {
			s.eventually("the Track API counts as down", func() bool { return len(s.downNow(app)) > 0 })
			continue
		}
		s.eventually(fmt.Sprintf("the events are settled with status %d", status), func() bool {
			return s.settled("suppression-acme", first, subjects) && s.settled("engagement-acme", first, subjects)
		})
	}
	families, err := app.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if log := s.log.String(); !strings.Contains(log, "dead-lettered") {
		t.Errorf("no dead letter is logged, and the test shows little: %.2000s", log)
	}
	text := s.log.String() + fmt.Sprint(families)
	for _, found := range slices.Compact(slices.Sorted(slices.Values(person.FindAllString(text, -1)))) {
		i := strings.Index(text, found)
		t.Errorf("a log line or an instrument names %s: %s", found, text[max(0, i-200):min(len(text), i+100)])
	}
}

// settled reports whether a consumer exists and has settled the messages from a sequence on.
func (s *outage) settled(consumer string, first uint64, subjects []string) bool {
	positions, _, err := s.conn.Positions(s.t.Context())
	i := slices.IndexFunc(positions, func(p stream.Position) bool { return p.Consumer == consumer })
	return err == nil && i >= 0 && hasSettled(&positions[i], first, subjects)
}

// simulate publishes the events of a simulation, which name people. It returns the sequence of
// the first event, and the subjects.
func (s *outage) simulate(workspace string, seed uint64) (first uint64, subjects []string) {
	s.t.Helper()
	for body := range (webhooktest.Mix{Seed: seed, Deliveries: 200, Start: time.Now().Add(-webhooktest.MixDuration)}).Events() {
		env, err := webhook.ParseEnvelope(body)
		if err != nil || !person.Match(body) {
			s.t.Fatalf("%v, or an event names nobody: %s", err, body)
		}
		m := event.Message{Workspace: workspace, ID: env.EventID, ObjectType: string(env.ObjectType), Metric: string(env.Metric), ReceivedAt: time.Now(), Body: body}
		if _, err := s.publish.Publish(s.t.Context(), &m); err != nil {
			s.t.Fatal(err)
		}
		subjects = append(subjects, stream.Subject(&m))
	}
	_, last, err := s.conn.Positions(s.t.Context())
	if err != nil || len(subjects) == 0 {
		s.t.Fatalf("%d events, %v", len(subjects), err)
	}
	return last + 1 - uint64(len(subjects)), subjects
}
