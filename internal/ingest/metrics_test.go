package ingest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// gather returns the nonzero series of a metric by the values of their labels, and the
// number of all series.
func gather(t *testing.T, reg *prometheus.Registry, name string) (values map[string]float64, series int) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values = map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		series = len(f.GetMetric())
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			if v := m.GetCounter().GetValue() + m.GetGauge().GetValue(); v != 0 {
				values[strings.Join(labels, " ")] = v
			}
		}
	}
	return values, series
}

// Invented words create no series.
func TestEventsAreCountedByWhatTheySay(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	url := listen(t, ingest.Config{
		Publisher: &fakePublisher{}, Metrics: reg,
		Workspaces: []ingest.Workspace{
			workspace(t, "acme", webhook.VerifierConfig{}),
			workspace(t, "globex", webhook.VerifierConfig{Keys: []string{"another-key"}}),
		},
	})
	_, atStart := gather(t, reg, "cioevents_ingest_events_total")
	for i, words := range []string{
		`"object_type":"email","metric":"opened"`,
		`"object_type":"Email","metric":"opened"`,
		`"object_type":"email","metric":"admired"`,
		`"object_type":"pigeon","metric":"opened"`,
		`"object_type":"pigeon","metric":"` + strings.Repeat("coo", 1000) + `"`,
	} {
		post(t, url, fmt.Sprintf(`{"event_id":"%d",%s}`, i, words)).expect(t, http.StatusOK, `{"status":"stored"}`)
	}
	post(t, url, `{"event_id":"0","object_type":"email","metric":"opened"}`).expect(t, http.StatusOK, `{"status":"duplicate"}`)
	post(t, url, `[]`).expect(t, http.StatusOK, `{"status":"kept"}`)

	got, series := gather(t, reg, "cioevents_ingest_events_total")
	want := map[string]float64{
		"metric=opened object_type=email workspace=acme": 2,
		"metric=other object_type=email workspace=acme":  1,
		"metric=opened object_type=other workspace=acme": 1,
		"metric=other object_type=other workspace=acme":  1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if want := 2 * (len(webhook.ObjectTypes()) + 1) * (len(webhook.Metrics()) + 1); series != want || atStart != want {
		t.Errorf("%d series at the start and %d now, want %d for ever", atStart, series, want)
	}
}

// A busy workspace must not hide a quiet workspace.
func TestSignedCallsAreSeenByWorkspace(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	url := listen(t, ingest.Config{
		Publisher: &fakePublisher{}, Metrics: reg,
		Workspaces: []ingest.Workspace{
			workspace(t, "acme", webhook.VerifierConfig{Keys: []string{"old", secret}}),
			workspace(t, "globex", webhook.VerifierConfig{Keys: []string{"another-key"}}),
		},
	})
	post(t, url, small).expect(t, http.StatusOK, `{"status":"stored"}`)
	do(t, signed(t, url, "wrong", small)).expect(t, http.StatusUnauthorized, `{"error":"Invalid signature"}`)

	last, workspaces := gather(t, reg, "cioevents_ingest_last_signed_timestamp_seconds")
	if diff := cmp.Diff(map[string]float64{"workspace=acme": float64(now.Unix())}, last); diff != "" || workspaces != 2 {
		t.Errorf("%d workspaces, last calls (-want +got):\n%s", workspaces, diff)
	}
	keys, _ := gather(t, reg, "cioevents_ingest_key_matches_total")
	if diff := cmp.Diff(map[string]float64{"key=1 workspace=acme": 1}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
