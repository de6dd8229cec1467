package workerapp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/operate"
)

// Two workers whose SUPPRESSION_LIMIT holds suppressions send one alert, and one at the end,
// also when the worker that has sent the first stops.
func TestAlertOfTwoWorkers(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	var mu sync.Mutex
	var texts []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		texts = append(texts, string(body))
	}))
	t.Cleanup(receiver.Close)
	received := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(texts)
	}
	s.env["ALERT_WEBHOOK_URL"], s.env["ALERT_FEED_QUIET"], s.env["SUPPRESSION_LIMIT"] = receiver.URL, "0", "1"
	s.beatEvery = 50 * time.Millisecond
	first, stopFirst := s.launch()
	second, stopSecond := s.launch()
	s.bounce("acme", 0, 4)
	s.eventually("the onset", func() bool { return received() > 0 })
	held, err := operate.SelectDeadLetters(t.Context(), s.conn, &operate.DeadFilter{Reason: "held_suppression"})
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(20 * s.beatEvery)
	rest := second
	if sentAlerts(t, first) == 1 {
		stopFirst()
	} else {
		rest = first
		stopSecond()
	}
	if _, err := operate.DropDeadLetters(t.Context(), s.conn, held, func() {}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the end", func() bool { return received() > 1 })
	<-time.After(20 * s.beatEvery)
	if received() != 2 || !strings.Contains(texts[0], "holds suppressions of consumer suppression-acme") || !strings.Contains(texts[1], "over.") {
		t.Errorf("the receiver has got %q", texts)
	}
	if n := sentAlerts(t, rest); n != 1 {
		t.Errorf("the worker that goes on counts %v alerts, want the end", n)
	}
}

// sentAlerts returns the number of alerts that a worker has sent.
func sentAlerts(t *testing.T, app *workerapp.App) (n float64) {
	t.Helper()
	families, err := app.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "cioevents_alerts_total" && m.GetLabel()[0].GetValue() == "sent" {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
