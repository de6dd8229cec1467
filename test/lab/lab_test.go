package lab_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// TestMain lets the test binary be a NATS server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == lab.NATSRole {
		if err := lab.RunNATS(context.Background(), os.Args[2:]); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A system keeps its messages through a kill of the NATS server.
func TestSystem(t *testing.T) {
	t.Parallel()
	s, err := lab.StartSystem(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begun := time.Now()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 5, Opens: 100, End: begun})
	if err := s.Publish(t.Context(), h.Len(), 0, h.NewMessage); err != nil {
		t.Fatal(err)
	}
	if s.NATS.RSS() == 0 || s.NATS.PeakRSS() < s.NATS.RSS() || !s.NATS.RunsSince(begun) {
		t.Errorf("RSS is %v MiB, peak %v MiB, runs: %v", s.NATS.RSS(), s.NATS.PeakRSS(), s.NATS.RunsSince(begun))
	}
	s.NATS.Kill()
	if s.NATS.RSS() != 0 || s.NATS.RunsSince(begun) {
		t.Error("the server runs after Kill")
	}
	if err := s.NATS.Start(); err != nil {
		t.Fatal(err)
	}
	var status *stream.Status
	if err := lab.WaitFor(t.Context(), "the server answers", 20*time.Second, func() (err error) {
		status, err = s.Status(t.Context())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if status.Stream.Messages != uint64(h.Len()) {
		t.Errorf("the stream has %d messages, want %d", status.Stream.Messages, h.Len())
	}
	if err := s.Drained(t.Context(), 1); err == nil {
		t.Error("Drained accepts a missing consumer")
	}
}

func TestWaitForReturnsTheLastError(t *testing.T) {
	t.Parallel()
	cause := errors.New("still starting")
	err := lab.WaitFor(t.Context(), "ingest is ready", 50*time.Millisecond, func() error { return cause })
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "ingest is ready") {
		t.Errorf("error is %v, want the goal and the cause", err)
	}
}

func TestScrape(t *testing.T) {
	t.Parallel()
	const text = "# HELP calls_total Calls to \"a\" 3\ncalls_total{status=\"200\",path=\"/a b\"} 3\ncalls_total{status=\"503\"} 2\nin_flight 1.5e+01\n"
	server, addr, err := lab.Serve("", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	m, err := lab.Scrape(t.Context(), addr)
	if err != nil || len(m) != 2 || m["calls_total"] != 5 || m["in_flight"] != 15 {
		t.Errorf("metrics are %v, %v", m, err)
	}
	if _, err := m.Value("calls"); err == nil {
		t.Error("Value returns no error for a missing instrument")
	}
}

// The Track API keeps its address and its people through an outage.
func TestTrackAPI(t *testing.T) {
	t.Parallel()
	api, err := lab.StartTrackAPI(customeriotest.Config{}, customeriotest.Profile{CioID: "c1", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	url := api.URL()
	api.Refuse()
	if _, err := lab.Get(t.Context(), url); err == nil {
		t.Error("the API answers after Refuse")
	}
	if err := api.Listen(); err != nil {
		t.Fatal(err)
	}
	defer api.Refuse()
	api.Fail(&customeriotest.Fault{Status: http.StatusTeapot})
	if _, err := lab.Get(t.Context(), url); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("error is %v, want status 418", err)
	}
	if api.URL() != url || len(api.Profiles()) != 1 {
		t.Errorf("URL is %s, want %s; profiles are %v", api.URL(), url, api.Profiles())
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	first := lab.Env{"A": "1", "B": "1"}
	got := first.With(lab.Env{"B": "2"}, lab.Env{"B": "3", "C": "3"})
	if got.Get("A") != "1" || got.Get("B") != "3" || got.Get("C") != "3" || got.Get("D") != "" || first.Get("B") != "1" {
		t.Errorf("environment is %v, first %v", got, first)
	}
}
