package manifests_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
)

// A site is an installation that runs while its metrics are recorded: NATS, ingest, a
// worker and a stand-in for the Track API. ingest's clock is the recorder's.
type site struct {
	*recorder
	programs
	t      *testing.T
	build  *system
	fake   *customeriotest.Fake
	link   *link
	pods   map[string]*replica
	spare  []*server.Server // NATS servers beside the first, which only report
	js     jetstream.JetStream
	conn   *stream.Conn
	dir    string
	events int          // sent so far
	ahead  atomic.Int64 // of the recorder's clock before the real one
}

// A replica is a running program.
type replica struct {
	program, admin, webhook string
	stop                    func()
}

// Names of the pods that run unless a fault stops them.
const (
	ingestPod = "ingest-0"
	workerPod = "worker-0"
)

func startSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		recorder: newRecorder(), t: t, build: load(t, "dev"), pods: map[string]*replica{}, dir: t.TempDir(),
		fake: customeriotest.New(customeriotest.Config{KnowsEverybody: true, SiteID: "siteid", APIKey: "trackapikey"}),
	}
	api := httptest.NewServer(s.fake)
	t.Cleanup(api.Close)
	s.track, s.nats = api.URL, startNATS(t, s.build)
	s.link = startLink(t, s.nats.servers[0].Addr().String())
	for _, name := range []string{"nats-1", "nats-2"} {
		s.spare = append(s.spare, startServer(t, &server.Options{
			ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT, JetStream: true, JetStreamMaxStore: 1 << 20, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		}))
	}
	s.js, s.conn = s.nats.operator(t), s.nats.connect(t, "operator")
	s.restore()
	return s
}

// restore starts the usual programs, and stops all others.
func (s *site) restore() {
	s.t.Helper()
	s.fake.SetFault(nil)
	s.link.set(false, 0)
	for name := range s.pods {
		if name != ingestPod && name != workerPod {
			s.stop(name)
		}
	}
	if s.pods[workerPod] == nil {
		s.worker(workerPod, nil)
	}
	if s.pods[ingestPod] == nil {
		s.ingest(ingestPod, nil)
	}
	s.ready(ingestPod)
}

func (s *site) ingest(name string, env map[string]string) {
	s.t.Helper()
	cfg := s.settings(s.t, s.build, "ingest", merge(map[string]string{
		"NATS_URL": strings.Replace(s.nats.url("ingest"), s.nats.servers[0].Addr().String(), s.link.ln.Addr().String(), 1),
	}, env)).ingest
	cfg.Receiver.Now = s.clock
	app, err := ingestapp.New(cfg, zerolog.Nop())
	if err != nil {
		s.t.Fatal(err)
	}
	s.pods[name] = &replica{"ingest", app.AdminAddr().String(), "http://" + app.Addr().String(), s.run(app.Run)}
	s.ready(name)
}

// clock is the clock of ingest: it runs as the real one does, and jumps with the recorder.
func (s *site) clock() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *site) worker(name string, env map[string]string) { s.workerAt(name, env, 0) }

// workerAt starts a worker whose clock is ahead. To it every message is that much older.
func (s *site) workerAt(name string, env map[string]string, ahead time.Duration) {
	s.t.Helper()
	cfg := s.settings(s.t, s.build, "worker", merge(map[string]string{
		"WAREHOUSE_URL": "duckdb:" + filepath.Join(s.dir, "events.duckdb"), "SUPPRESSION_MODE": "suppress", "SUPPRESSION_LIMIT": "0", "TRACK_RATE": "5000",
	}, env)).worker
	cfg.Now = func() time.Time { return time.Now().Add(ahead) }
	app, err := workerapp.New(cfg, zerolog.Nop())
	if err != nil {
		s.t.Fatal(err)
	}
	s.pods[name] = &replica{program: "worker", admin: app.AdminAddr().String(), stop: s.run(app.Run)}
}

func merge(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, m := range all {
		maps.Copy(merged, m)
	}
	return merged
}

// run starts a program, and returns the function that stops it.
func (s *site) run(program func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- program(ctx) }()
	ended := false
	stop = func() {
		if cancel(); ended {
			return
		}
		ended = true
		if err := <-done; err != nil {
			s.t.Errorf("the program ends: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *site) stop(name string) {
	if p := s.pods[name]; p != nil {
		p.stop()
		delete(s.pods, name)
	}
}

func (s *site) ready(name string) {
	s.t.Helper()
	eventually(s.t, name+" is ready", func(ctx context.Context) error { return get(ctx, "http://"+s.pods[name].admin+"/readyz") })
}

// scrape scrapes everything once.
func (s *site) scrape() {
	s.t.Helper()
	for name, p := range s.pods {
		s.recorder.scrape(s.t, p.admin, labels.FromStrings("namespace", namespace, "pod", name, "container", p.program, "job", p.program))
	}
	for i, srv := range append(s.nats.servers[:1:1], s.spare...) {
		if srv.Running() {
			s.export(s.t, fmt.Sprint("nats-", i), srv)
		}
	}
	s.endScrape()
}

// pass lets minutes pass, each with something that happens in it.
func (s *site) pass(minutes int, each func(minute int)) {
	s.t.Helper()
	s.passSteps(minutes, time.Minute, each)
}

func (s *site) passSteps(n int, step time.Duration, each func(i int)) {
	s.t.Helper()
	for i := range n {
		if each != nil {
			each(i)
		}
		s.now = s.now.Add(step)
		s.ahead.Store(int64(time.Until(s.now)))
		s.scrape()
	}
}

// until waits until an expression about a pod reaches a value, and returns the value. The
// recorded time stands.
func (s *site) until(name string, least float64, selector string) (reached float64) {
	s.t.Helper()
	expr := strings.NewReplacer("POD", name).Replace(selector)
	eventually(s.t, fmt.Sprintf("%s >= %v", expr, least), func(context.Context) error {
		now := newRecorder()
		now.scrape(s.t, s.pods[name].admin, labels.FromStrings("pod", name))
		v := query(s.t, now, "sum("+expr+")", now.now)
		if len(v) == 0 || v[0].F < least {
			return fmt.Errorf("it is %v", v)
		}
		reached = v[0].F
		return nil
	})
	return reached
}
