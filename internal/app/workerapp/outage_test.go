package workerapp_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// An outage is a worker of two workspaces and the Track API of both.
type outage struct {
	t       *testing.T
	conn    *stream.Conn
	publish *stream.Publisher
	fake    *customeriotest.Fake
	acme    atomic.Int64 // status of the answers to acme's calls, 0 for the status of the fake
	natsURL string
	apiURL  string
	env     map[string]string // further settings of the workers
	log     syncBuffer        // of the workers, all levels
	nats    *streamtest.Server

	beatEvery time.Duration // default that of workers
}

func newOutage(t *testing.T, options ...streamtest.Option) *outage {
	t.Helper()
	nats := streamtest.Start(t, options...)
	s := &outage{
		t: t, conn: nats.Connect(stream.Settings{}), nats: nats, natsURL: nats.URL(), env: map[string]string{},
		fake: customeriotest.New(customeriotest.Config{KnowsEverybody: true}),
	}
	var err error
	if s.publish, err = stream.NewPublisher(s.conn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.publish.Close)
	s.fake.SetFault(func(r *http.Request) *customeriotest.Fault {
		user, _, _ := r.BasicAuth()
		status := int(s.acme.Load())
		if user != "acme-site" || status == 0 {
			return nil
		}
		return &customeriotest.Fault{Status: status}
	})
	api := httptest.NewServer(s.fake)
	t.Cleanup(api.Close)
	s.apiURL = api.URL
	return s
}

// start runs a worker until stop is called. The function down returns the workspaces
// that fetch nothing, with the reason.
func (s *outage) start() (down func() string, stop func()) {
	s.t.Helper()
	app, stop := s.launch()
	s.eventually("the worker is ready", func() bool { return strings.HasPrefix(s.readyz(app), "ready\n") })
	return func() string { return s.down(app) }, stop
}

// launch runs a worker until stop is called.
func (s *outage) launch() (app *workerapp.App, stop func()) {
	s.t.Helper()
	env := map[string]string{
		"NATS_URL": s.natsURL, "ADMIN_ADDR": "127.0.0.1:0", "WORKER_CONSUMERS": "suppression,engagement",
		"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_TRACK_URL": s.apiURL,
		"CUSTOMERIO_ACME_SITE_ID": "acme-site", "CUSTOMERIO_ACME_TRACK_API_KEY": "k",
		"CUSTOMERIO_GLOBEX_SITE_ID": "globex-site", "CUSTOMERIO_GLOBEX_TRACK_API_KEY": "k",
		"MAX_ATTEMPTS": "2",
	}
	maps.Copy(env, s.env)
	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		s.t.Fatal(err)
	}
	cfg.BeatEvery = s.beatEvery
	app, err := workerapp.New(cfg, zerolog.New(&s.log))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = app.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	s.t.Cleanup(stop)
	return app, stop
}

// down reads the instrument and checks that the worker is ready and gives the reason
// for each idle workspace: a rollout must not wait for the Track API of a workspace.
func (s *outage) down(app *workerapp.App) string {
	s.t.Helper()
	before := s.downNow(app)
	ready := s.readyz(app)
	list := s.downNow(app)
	if !strings.HasPrefix(ready, "ready\n") {
		s.t.Errorf("the readiness says: %s", ready)
	}
	for _, l := range list {
		workspace, _, _ := strings.Cut(l, ":")
		if slices.Contains(before, l) && !strings.Contains(ready, "workspace "+workspace+": ") {
			s.t.Errorf("while %s is down the readiness says: %s", workspace, ready)
		}
	}
	return strings.Join(list, ", ")
}

func (s *outage) downNow(app *workerapp.App) (list []string) {
	s.t.Helper()
	families, err := app.Metrics().Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "cioevents_track_down" && m.GetGauge().GetValue() == 1 {
				list = append(list, m.GetLabel()[1].GetValue()+": "+m.GetLabel()[0].GetValue())
			}
		}
	}
	return list
}

func (s *outage) readyz(app *workerapp.App) string { return readyz(s.t, app) }

func (s *scene) readyz() string { return readyz(s.t, s.app) }

func readyz(t *testing.T, app *workerapp.App) string {
	t.Helper()
	url := "http://" + app.AdminAddr().String() + "/readyz"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// send publishes n events of a metric in a workspace, each about another person.
func (s *outage) send(workspace, metric string, from, n int) {
	s.t.Helper()
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("%s-%s-%d", workspace, metric, i)
		m := event.Message{
			Workspace: workspace, ID: id, ObjectType: "email", Metric: metric, ReceivedAt: time.Now(),
			Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":%q,"timestamp":1755600006,"data":{"customer_id":%q}}`, id, metric, id),
		}
		if _, err := s.publish.Publish(s.t.Context(), &m); err != nil {
			s.t.Fatal(err)
		}
	}
}

// done reports whether n events of each kind have had an effect.
func (s *outage) done(workspace string, n int) bool {
	for i := range n {
		_, known := s.fake.Profile(fmt.Sprintf("%s-opened-%d", workspace, i))
		if !known || !s.fake.Suppressed(fmt.Sprintf("%s-spammed-%d", workspace, i)) {
			return false
		}
	}
	return true
}

func (s *outage) eventually(what string, ok func() bool) {
	s.t.Helper()
	waitFor(s.t, what, ok)
}

// While the API is down for one workspace, or the key is wrong, the worker handles the
// events of the other workspace. Nothing is lost, although workers are restarted all
// the time and MAX_ATTEMPTS is 2, and the backlog is handled after the outage without
// an operator.
func TestOneWorkspaceIsDown(t *testing.T) {
	t.Parallel()
	for status, word := range map[int]string{503: "outage", 401: "configuration"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			s := newOutage(t)
			s.acme.Store(int64(status))
			const n = 40
			s.send("acme", "opened", 0, n/2)
			s.send("acme", "spammed", 0, n/2)
			s.send("globex", "opened", 0, n)
			s.send("globex", "spammed", 0, n)
			down, stop := s.start()
			s.eventually("globex is done", func() bool { return s.done("globex", n) })
			for range 4 {
				s.eventually("the instrument says why", func() bool { return down() == "acme: "+word })
				stop()
				down, stop = s.start()
			}
			s.send("acme", "opened", n/2, n/2)
			s.send("acme", "spammed", n/2, n/2)
			s.acme.Store(0)
			s.eventually("acme is done", func() bool { return s.done("acme", n) })
			s.eventually("nothing is down", func() bool { return down() == "" })
			status, err := s.conn.Status(t.Context())
			if err != nil || len(status.Dead) > 0 {
				t.Errorf("dead letters %+v, %v", status, err)
			}
		})
	}
}

// The API fails and recovers while the worker handles a backlog.
func TestOutageInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	const n = 300
	s.send("acme", "opened", 0, n)
	s.send("acme", "spammed", 0, n)
	down, stop := s.start()
	s.eventually("half is done", func() bool { return s.fake.Suppressed(fmt.Sprintf("acme-spammed-%d", n/4)) })
	s.acme.Store(503)
	s.eventually("the outage is noticed", func() bool { return down() == "acme: outage" })
	stop()
	_, stop = s.start()
	defer stop()
	s.acme.Store(0)
	s.eventually("all is done", func() bool { return s.done("acme", n) })
	status, err := s.conn.Status(t.Context())
	if err != nil || len(status.Dead) > 0 {
		t.Errorf("dead letters %+v, %v", status, err)
	}
}
