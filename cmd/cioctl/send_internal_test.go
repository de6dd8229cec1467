package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// The simulated messages end now and begin at most six days ago, so that report --days 7
// shows all of them. They are of every source, or of one campaign.
func TestSendSimulates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    []string
		sources int
	}{
		{[]string{"send", "--campaign", "300"}, 4},
		{[]string{"send", "--campaign", "300", "--campaign-id", "77"}, 1},
	} {
		var mu sync.Mutex
		sources, first, last := map[string]bool{}, time.Now(), time.Time{}
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			e, err := webhook.Parse(body)
			if err != nil {
				t.Errorf("%s: %v", body, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if e.DeliveryID != "" {
				sources[sourceOf(e)] = true
			}
			if e.OccurredAt.Before(first) {
				first = e.OccurredAt
			}
			if e.OccurredAt.After(last) {
				last = e.OccurredAt
			}
		}))
		report := read[operate.SendReport](&shell{t: t}, append(c.args, "--url", server.URL)...)
		server.Close()
		if report.Sent < 600 || report.Failed > 0 || len(sources) != c.sources {
			t.Errorf("%v: %+v from the sources %v, want %d", c.args, report, sources, c.sources)
		}
		if last.After(time.Now()) || time.Since(first) > 6*24*time.Hour+time.Minute {
			t.Errorf("%v: events from %v to %v, want the last six days", c.args, first, last)
		}
	}
}

func sourceOf(e *webhook.Event) string {
	switch {
	case e.CampaignID == 77:
		return "campaign 77"
	case e.CampaignID != 0:
		return "campaign"
	case e.BroadcastID != 0:
		return "broadcast"
	case e.NewsletterID != 0:
		return "newsletter"
	default:
		return "transactional"
	}
}
