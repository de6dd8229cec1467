package audit_test

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A history is what Customer.io has sent in five weeks, and what has arrived: 2 % of the
// webhooks are lost, and all of the third week.
type history struct {
	since, until time.Time
	bodies       func(yield func(body []byte, e *webhook.Event, lost bool) bool)
	// missing are the deliveries and metrics without a row, of which Customer.io tells.
	missing map[pair]time.Time
}

type pair struct {
	delivery string
	metric   webhook.Metric
}

var weekOne = time.Date(2025, 9, 1, 9, 0, 0, 0, time.UTC)

// newHistory plans about n deliveries.
func newHistory(n int) *history {
	h := &history{since: weekOne.Add(-time.Hour), until: weekOne.AddDate(0, 0, 40), missing: map[pair]time.Time{}}
	outage := weekOne.AddDate(0, 0, 14)
	h.bodies = func(yield func([]byte, *webhook.Event, bool) bool) {
		dice := rand.New(rand.NewPCG(7, 0))
		for week := range 5 {
			start := weekOne.AddDate(0, 0, 7*week)
			for _, events := range []iter.Seq[[]byte]{
				webhooktest.Campaign{Seed: 9, Deliveries: n / 10, CampaignID: int64(week + 1), Start: start}.Events(),
				webhooktest.Mix{Seed: uint64(week + 1), Deliveries: n / 10, Start: start}.Events(),
			} {
				for body := range events {
					e, err := webhook.Parse(body)
					if err != nil {
						panic(err)
					}
					out := !e.OccurredAt.Before(outage) && e.OccurredAt.Before(outage.AddDate(0, 0, 7))
					if !yield(body, e, dice.Float64() < 0.02 || out) {
						return
					}
				}
			}
		}
	}
	return h
}

// play fills the fake and the warehouse at path, and notes what is missing.
func (h *history) play(t *testing.T, fake *customeriotest.App, path string) {
	t.Helper()
	sink := open(t, path)
	first := map[pair]time.Time{} // of the pairs that are missing so far
	var rows []warehouse.Row
	stored := map[pair]bool{}
	flush := func() {
		if _, err := sink.Write(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		rows = rows[:0]
	}
	sequence := 0
	h.bodies(func(body []byte, e *webhook.Event, lost bool) bool {
		fake.Record(body)
		p := pair{e.DeliveryID, e.Metric}
		switch {
		case lost && told(e) && !stored[p] && first[p].IsZero():
			first[p] = e.OccurredAt
		case !lost:
			if told(e) {
				stored[p] = true
				delete(first, p)
			}
			sequence++
			rows = append(rows, warehouse.NewRow(e, warehouse.Origin{
				EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second), Sequence: uint64(sequence),
			}))
		}
		if len(rows) == 20_000 {
			flush()
		}
		return true
	})
	flush()
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	h.missing = first
}

// told reports whether Customer.io's list tells of the event.
func told(e *webhook.Event) bool {
	return e.DeliveryID != "" && e.ObjectType != webhook.Customer &&
		!slices.Contains([]webhook.Metric{webhook.Attempted, webhook.Deferred, webhook.Replied, webhook.PreferencesChanged}, e.Metric)
}

func placeAt(t *testing.T, path string) place.Place {
	t.Helper()
	scheme := "duckdb:"
	if filepath.Ext(path) == "" {
		scheme = "parquet:" // a folder: several times faster for millions of rows
	}
	p, err := place.Parse(scheme + path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t *testing.T, path string) place.Sink {
	t.Helper()
	sink, err := placeAt(t, path).Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

// direct returns a client whose calls reach h without a network, for synctest.
func direct(t *testing.T, h http.Handler) *customerio.App {
	t.Helper()
	a, err := customerio.NewApp(customerio.AppConfig{Key: "key", Transport: transport(h)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// transport calls h without a network.
func transport(h http.Handler) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// size is a setting of the tests: 1000000 simulates as many deliveries.
const size = "CIOEVENTS_TEST_AUDIT"

// deliveries returns the number of deliveries to simulate, and whether size is set.
func deliveries(few int) (n int, large bool) {
	n, err := strconv.Atoi(os.Getenv(size)) //nolint:forbidigo // a setting of tests
	if err != nil {
		return few, false
	}
	return n, true
}

// An audit names exactly the missing metrics, under each reading of what Customer.io does
// not document.
func TestAuditNamesWhatIsMissing(t *testing.T) { //nolint:tparallel // each reading needs the memory for itself
	t.Parallel()
	n, large := deliveries(4000)
	path := filepath.Join(t.TempDir(), "rows")
	if !large {
		path += ".duckdb"
	}
	h := newHistory(n)
	fake := customeriotest.NewApp(customeriotest.AppConfig{Deliveries: n + 1})
	h.play(t, fake, path)
	for name, cfg := range customeriotest.Readings() { //nolint:paralleltest // as above
		if !large {
			cfg.PageSize = 100
		}
		t.Run(name, func(t *testing.T) { h.audit(t, fake.Under(cfg), path, large) })
	}
}

// audit compares the fake with the warehouse at path. measured logs how much memory the
// audit needs.
func (h *history) audit(t *testing.T, fake *customeriotest.App, path string, measured bool) {
	t.Helper()
	left := maps.Clone(h.missing)
	before := heap()
	peak := before
	synctest.Test(t, func(t *testing.T) {
		began, steps := time.Now(), 0
		r, err := audit.Run(t.Context(), audit.Order{
			Workspace: "default", Since: h.since, Until: h.until, Warehouse: placeAt(t, path), App: direct(t, fake),
			Missing: func(g audit.Gap) error { return checkGap(left, g) },
			Step: func(float64) {
				steps++
				if measured && steps%100_000 == 0 {
					peak = max(peak, heap())
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			t.Errorf("%d of %d missing metrics are not named", len(left), len(h.missing))
		}
		h.checkLines(t, r)
		t.Logf("%d deliveries, %d missing metrics, %d calls in %v", r.Customerio.Deliveries, r.Missing, fake.Counts().Requests, time.Since(began))
	})
	t.Logf("heap grew by %d MB", (peak-before)>>20)
}

// checkGap takes a gap off the list of what is missing.
func checkGap(left map[pair]time.Time, g audit.Gap) error {
	p := pair{g.DeliveryID, g.Metric}
	if at, ok := left[p]; !ok || !at.Equal(g.At) || g.Source == "" || g.ObjectType == "" || g.Created.IsZero() {
		return fmt.Errorf("gap %+v is named twice, is not missing, or is incomplete; want the time %v", g, at)
	}
	delete(left, p)
	return nil
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// checkLines compares the sums of the lines with what is missing.
func (h *history) checkLines(t *testing.T, r *audit.Result) {
	t.Helper()
	sum := audit.Line{}
	for _, l := range r.Customerio.Lines {
		sum.Customerio, sum.Here, sum.Missing, sum.OnlyHere = sum.Customerio+l.Customerio, sum.Here+l.Here, sum.Missing+l.Missing, sum.OnlyHere+l.OnlyHere
	}
	if sum.Missing != len(h.missing) || r.Missing != len(h.missing) || sum.OnlyHere != 0 || sum.Here != sum.Customerio-sum.Missing {
		t.Errorf("the lines add up to %+v, the result is %d, want %d missing", sum, r.Missing, len(h.missing))
	}
}
