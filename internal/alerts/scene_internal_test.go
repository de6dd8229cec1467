package alerts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A scene is a stream with dead letters, and a receiver of alerts.
type scene struct {
	t      *testing.T
	srv    *streamtest.Server
	conn   *stream.Conn
	pub    *stream.Publisher
	url    string
	status atomic.Int64 // of the receiver's answers

	mu    sync.Mutex
	texts []string // that the receiver has accepted
	ids   []string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, srv: streamtest.Start(t)}
	s.status.Store(http.StatusOK)
	s.conn = s.srv.Connect(stream.Settings{})
	var err error
	if s.pub, err = stream.NewPublisher(s.conn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pub.Close)
	if _, err := s.conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(receiver.Close)
	s.url = receiver.URL
	return s
}

func (s *scene) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct{ Text string }
	if err := json.Unmarshal(body, &m); err != nil {
		s.t.Error(err)
	}
	status := int(s.status.Load())
	w.WriteHeader(status)
	if status != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts, s.ids = append(s.texts, m.Text), append(s.ids, r.Header.Get("Webhook-Id"))
}

func (s *scene) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// hold stores a held suppression.
func (s *scene) hold() {
	s.t.Helper()
	m := event.Message{Workspace: "acme", ID: rand.Text(), ObjectType: "email", Metric: "bounced", ReceivedAt: time.Now(), Body: []byte("{}")}
	d := event.DeadLetter{Message: m, From: "suppression", Reason: fault.ReasonHeldSuppression, Err: "why", DiedAt: time.Now()}
	if err := s.pub.StoreDeadLetter(s.t.Context(), &d); err != nil {
		s.t.Fatal(err)
	}
}

// drop drops all dead letters.
func (s *scene) drop() {
	s.t.Helper()
	letters, err := operate.SelectDeadLetters(s.t.Context(), s.conn, &operate.DeadFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := operate.DropDeadLetters(s.t.Context(), s.conn, letters, func() {}); err != nil {
		s.t.Fatal(err)
	}
}

const fast = 20 * time.Millisecond

func (s *scene) alerter(worker string) *Alerter {
	s.t.Helper()
	conn, err := stream.Connect(stream.Config{URL: s.srv.URL(), Log: zerolog.Nop()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	a, err := New(Config{URL: s.url, Worker: worker, Every: fast, FeedQuiet: time.Hour, Log: zerolog.Nop()}, conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// run runs an alerter until stop is called or the test ends.
func (s *scene) run(a *Alerter) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *scene) eventually(what string, ok func() bool) {
	s.t.Helper()
	tick, deadline := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("timeout: %s; accepted: %q", what, s.accepted())
		}
	}
}

// wantKinds waits until the receiver has accepted as many messages, then for some looks
// more, and wants exactly these.
func (s *scene) wantKinds(want ...string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d messages", len(want)), func() bool { return len(s.accepted()) >= len(want) })
	<-time.After(10 * fast)
	var got []string
	for _, text := range s.accepted() {
		kind := "begun"
		if strings.HasPrefix(text, "cioevents: over.") {
			kind = "ended"
		}
		got = append(got, kind)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("messages (-want +got):\n%s%q", diff, s.accepted())
	}
}

// counted returns the attempts with a result.
func counted(t *testing.T, reg *prometheus.Registry, result string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == result {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
