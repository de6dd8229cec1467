package manifests_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
)

func (s *site) mustDo(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) write(name string, content []byte) (path string) {
	path = filepath.Join(s.dir, name)
	s.mustDo(os.WriteFile(path, content, 0o600))
	return path
}

func (s *site) info(name string) *jetstream.StreamInfo {
	st, err := s.js.Stream(s.t.Context(), name)
	s.mustDo(err)
	return st.CachedInfo()
}

func (s *site) eventStream() jetstream.Stream {
	st, err := s.js.Stream(s.t.Context(), stream.Name)
	s.mustDo(err)
	return st
}

// edit changes a stream.
func (s *site) edit(name string, change func(*jetstream.StreamConfig)) {
	cfg := s.info(name).Config
	change(&cfg)
	_, err := s.js.UpdateStream(s.t.Context(), cfg)
	s.mustDo(err)
}

// limit changes the size at which a stream is full.
func (s *site) limit(name string, bytes int64) {
	s.edit(name, func(c *jetstream.StreamConfig) { c.MaxBytes = bytes })
}

// answerTrack lets the Track API answer everything with a status.
func (s *site) answerTrack(status int) {
	s.fake.SetFault(func(*http.Request) *customeriotest.Fault { return &customeriotest.Fault{Status: status} })
}

func (s *site) effectsWorker(name string, env map[string]string) {
	s.worker(name, merge(map[string]string{"WORKER_CONSUMERS": "suppression"}, env))
}

// look starts a worker that reports the state of the streams at once, as a worker looks at
// them every 15 s. It handles nothing, because its credentials are refused.
func (s *site) look(ahead time.Duration) {
	s.t.Helper()
	s.workerAt("worker-look", map[string]string{"WORKER_CONSUMERS": "suppression", "CUSTOMERIO_TRACK_API_KEY": "wrong"}, ahead)
	s.until("worker-look", 0, "cioevents_oldest_unacked_seconds")
}

// deadLetter has Customer.io refuse a complaint.
func (s *site) deadLetter() {
	s.t.Helper()
	const rejected = `cioevents_worker_dead_letters_total{reason="rejected"}`
	before := s.until(workerPod, 0, rejected)
	s.answerTrack(http.StatusBadRequest)
	s.event("spammed", "")
	s.until(workerPod, before+1, rejected)
}

func (s *site) dropDeadLetters() {
	st, err := s.js.Stream(s.t.Context(), stream.DeadName)
	s.mustDo(err)
	s.mustDo(st.Purge(s.t.Context()))
}

// holdSuppressions has a worker hold bounces beyond its limit.
func (s *site) holdSuppressions() {
	s.t.Helper()
	s.stop(workerPod)
	s.effectsWorker("worker-1", map[string]string{"SUPPRESSION_LIMIT": "1"})
	s.many("bounced", hard, 5)
	s.until("worker-1", 1, `cioevents_worker_dead_letters_total{reason="held_suppression"}`)
}

// leaveOne stops the worker and sends a complaint.
func (s *site) leaveOne() {
	s.t.Helper()
	s.stop(workerPod)
	s.event("spammed", "")
}

// forget deletes a consumer that only a fault had.
func (s *site) forget(consumer string) {
	s.t.Helper()
	if err := s.js.DeleteConsumer(s.t.Context(), stream.Name, consumer); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		s.mustDo(err)
	}
}

// many sends n events.
func (s *site) many(metric, rest string, n int) {
	s.t.Helper()
	for range n {
		s.event(metric, rest)
	}
}

// publish publishes n events past ingest.
func (s *site) publish(n int, workspace, metric string) {
	s.t.Helper()
	for range n {
		_, err := s.js.PublishAsync("customerio.events."+workspace+".email."+metric, []byte(s.body(metric, "")))
		s.mustDo(err)
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-time.After(30 * time.Second):
		s.t.Fatal("the events are not stored")
	}
}

// refuseByRate has the Track API refuse more than a call a second, in recorded time. A
// client slows down after its first refusals, so every minute another workspace begins to
// call.
func (s *site) refuseByRate() {
	s.t.Helper()
	const minutes, aMinute = 42, 62
	s.stop(workerPod)
	s.fake.SetFault(s.answerRegion(http.StatusOK))
	var names []string
	env := map[string]string{"CUSTOMERIO_SITE_ID": "", "CUSTOMERIO_TRACK_API_KEY": "", "TRACK_CONCURRENCY": "100"}
	for i := range minutes {
		names = append(names, fmt.Sprint("w", i))
		env[fmt.Sprintf("CUSTOMERIO_W%d_SITE_ID", i)], env[fmt.Sprintf("CUSTOMERIO_W%d_TRACK_API_KEY", i)] = names[i], "key"
	}
	env["CUSTOMERIO_WORKSPACES"] = strings.Join(names, ",")
	s.effectsWorker("worker-1", env)
	for _, name := range names { // a consumer fetches single messages until one succeeds
		s.publish(1, name, "spammed")
	}
	s.until("worker-1", minutes, `cioevents_track_calls_total{call="suppress",outcome="ok"}`)
	s.fake.SetFault(s.answerRegion(http.StatusTooManyRequests))
	const refused = `cioevents_track_calls_total{outcome="rate_limited"}`
	s.pass(minutes, func(minute int) {
		before := 0. // also the repeated calls since the last minute, which may be in its scrape
		if minute > 0 {
			before = s.until("worker-1", 0, refused)
		}
		s.publish(aMinute+2, names[minute], "spammed")
		s.until("worker-1", before+aMinute, refused)
	})
	s.stop("worker-1")
	for _, name := range names {
		s.forget("suppression-" + name)
	}
}

// answerRegion answers the question for the region, and everything else with a status.
func (*site) answerRegion(status int) func(*http.Request) *customeriotest.Fault {
	return func(r *http.Request) *customeriotest.Fault {
		if r.Method == http.MethodGet {
			return &customeriotest.Fault{Status: http.StatusOK, Body: `{"region":"us"}`}
		}
		return &customeriotest.Fault{Status: status, Body: "{}"}
	}
}

// fillSpare fills the store of a NATS server to 85 %.
func (s *site) fillSpare() {
	s.t.Helper()
	js := connectTo(s.t, s.spare[0].ClientURL())
	_, err := js.CreateStream(s.t.Context(), jetstream.StreamConfig{Name: "FILL", Subjects: []string{"fill"}})
	s.mustDo(err)
	for range 9 {
		_, err := js.Publish(s.t.Context(), "fill", make([]byte, 99<<10))
		s.mustDo(err)
	}
}

// audited records the result of an audit of the default workspace, and restarts the
// worker, which otherwise reads the result within a minute of the real clock.
func (s *site) audited(missing int, at time.Time) {
	s.t.Helper()
	s.mustDo(audit.Record(s.t.Context(), s.conn.State(), &audit.Result{Workspace: "default", Missing: missing}, at))
	s.stop(workerPod)
	s.worker(workerPod, nil)
	s.until(workerPod, float64(at.Unix()), "cioevents_audit_timestamp_seconds")
}
