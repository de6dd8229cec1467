package ingest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// With a slow clock all calls are stamped ahead. Refusing them would stall the feed.
func TestSlowClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ahead        time.Duration
		status, warn int
	}{
		{-7 * 24 * time.Hour, http.StatusOK, 0}, // a retry
		{time.Minute, http.StatusOK, 0},
		{6 * time.Minute, http.StatusOK, 1},
		{24 * time.Hour, http.StatusOK, 1},
		{25 * time.Hour, http.StatusUnauthorized, 1},
	} {
		var log lines
		reg := prometheus.NewRegistry()
		s := newServer(t, ingest.Config{
			Publisher: &fakePublisher{}, Metrics: reg, Log: zerolog.New(&log),
			Workspaces: []ingest.Workspace{workspace(t, "default", webhook.VerifierConfig{Tolerance: ingest.DefaultTolerance})},
		})
		for range 3 {
			r := signed(t, "http://localhost"+ingest.Path, secret, small)
			webhook.SignRequest(r.Header, secret, now.Add(tt.ahead), []byte(small))
			if a := serve(s, r); a.status != tt.status {
				t.Errorf("%v ahead is answered %d, want %d", tt.ahead, a.status, tt.status)
			}
		}
		if n := log.count("set the clock of this machine"); n != tt.warn {
			t.Errorf("%v ahead: %d warnings, want %d", tt.ahead, n, tt.warn)
		}
		values, _ := gather(t, reg, "cioevents_ingest_call_ahead_seconds")
		if got := values[""]; got != tt.ahead.Seconds() {
			t.Errorf("%v ahead: the instrument says %v s", tt.ahead, got)
		}
	}
}

// A stranger's call says nothing about the clock.
func TestUnsignedCallSaysNothingAboutTheClock(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := newServer(t, ingest.Config{Publisher: &fakePublisher{}, Metrics: reg})
	r := signed(t, "http://localhost"+ingest.Path, "other", small)
	webhook.SignRequest(r.Header, "other", now.Add(time.Hour), []byte(small))
	serve(s, r)
	if values, _ := gather(t, reg, "cioevents_ingest_call_ahead_seconds"); len(values) > 0 {
		t.Errorf("the instrument says %v", values)
	}
}

// A timestamp in milliseconds says nothing about the clock. A refusal names the distance.
func TestRefusedTimestampIsExplained(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stamp time.Time
		want  string
		ahead int
	}{
		{time.Unix(now.UnixMilli(), 0), "not in seconds", 0},
		{time.Unix(999_999_999_999_999_999, 0), "not in seconds", 0},
		{now.Add(25 * time.Hour), "stamped 25h0m0s ahead of the clock", 1},
		{now.Add(-9 * 24 * time.Hour), "stamped 216h0m0s behind the clock", 1},
	} {
		var log lines
		reg := prometheus.NewRegistry()
		s := newServer(t, ingest.Config{
			Publisher: &fakePublisher{}, Metrics: reg, Log: zerolog.New(&log),
			Workspaces: []ingest.Workspace{workspace(t, "default", webhook.VerifierConfig{Tolerance: ingest.DefaultTolerance})},
		})
		r := signed(t, "http://localhost"+ingest.Path, secret, small)
		webhook.SignRequest(r.Header, secret, tt.stamp, []byte(small))
		if a := serve(s, r); a.status != http.StatusUnauthorized {
			t.Errorf("%v is answered %d", tt.stamp, a.status)
		}
		if log.count(tt.want) == 0 || log.count("2562047h") > 0 || log.count(`"outcome":"timestamp"`) != 1 {
			t.Errorf("the log does not say %q: %s", tt.want, log.buf.String())
		}
		if tt.ahead == 0 && log.count("set the clock") > 0 {
			t.Errorf("%v is blamed on the clock", tt.stamp)
		}
		if values, _ := gather(t, reg, "cioevents_ingest_call_ahead_seconds"); len(values) != tt.ahead {
			t.Errorf("%v: the instrument says %v", tt.stamp, values)
		}
	}
}
