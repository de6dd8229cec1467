package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func numbersOf(t *testing.T, url string) *numbers {
	t.Helper()
	p, err := place.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Charges() {
		if err := p.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return newNumbers(p)
}

// Pages that ask at the same time, or within 10 s, open the DuckDB file once, and a page of
// its own opens it after the others have closed it.
func TestNumbersAreReadOnce(t *testing.T) {
	t.Parallel()
	n := numbersOf(t, "duckdb:"+t.TempDir()+"/events.duckdb")
	var reads, open, most atomic.Int32
	read := func(ctx context.Context, key string) {
		_, err := n.read(ctx, key, func(ctx context.Context, cfg report.Config) (any, error) {
			reads.Add(1)
			if now := open.Add(1); now > most.Load() {
				most.Store(now)
			}
			defer open.Add(-1)
			return report.Minutes(ctx, cfg, time.Hour)
		})
		if err != nil {
			t.Error(err)
		}
	}
	var pages sync.WaitGroup
	for i := range 8 {
		pages.Go(func() { read(t.Context(), []string{"a", "b"}[i%2]) })
	}
	pages.Wait()
	if reads.Load() != 2 || most.Load() != 1 {
		t.Errorf("%d reads for two keys, %d at a time; want 2 and 1", reads.Load(), most.Load())
	}
	n.results["a"].At = time.Now().Add(-freeAge)
	read(t.Context(), "a")
	read(t.Context(), "b")
	if reads.Load() != 3 {
		t.Errorf("%d reads after one result is too old, want 3", reads.Load())
	}
}

// A result that failed is not kept, and its reader is closed: the next page reads.
func TestFailedNumbers(t *testing.T) {
	t.Parallel()
	n := numbersOf(t, "duckdb:"+t.TempDir()+"/events.duckdb")
	fn := func(ctx context.Context, cfg report.Config) (any, error) {
		return cfg.Reader.Query(ctx, "SELECT nothing")
	}
	for range 2 {
		if _, err := n.read(t.Context(), "a", fn); err == nil {
			t.Error("a query of an unknown column succeeds")
		}
	}
	if _, err := n.read(t.Context(), "a", func(ctx context.Context, cfg report.Config) (any, error) { return report.Minutes(ctx, cfg, time.Hour) }); err != nil {
		t.Errorf("the next read: %v", err)
	}
}

// A page never asks BigQuery by itself. A result is kept for 5 minutes, with its bytes.
func TestPagesOfBigQuery(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("bigquery://my-project/messaging")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Settings: Settings{Addr: "127.0.0.1:0"}, Conn: streamtest.Start(t).Connect(stream.Settings{}), Warehouses: []place.Place{p}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	get := func(path string, part bool) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Host = "localhost"
		if part {
			r.Header.Set("HX-Request", "true")
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Body.String()
	}
	if page := get("/messages", false); !strings.Contains(page, "charges for queries") || strings.Contains(page, "hx-trigger") {
		t.Errorf("the page of messages loads numbers by itself:\n%s", page)
	}
	s.numbers.results[newMessagesForm(httptest.NewRequest(http.MethodGet, "/", http.NoBody)).key()] = &result{
		Value: &report.Report{Timezone: "UTC", Health: &report.Health{}}, At: time.Now().Add(-4 * time.Minute), Bytes: 3 << 20,
	}
	for _, page := range []string{get("/messages", false), get("/messages/numbers", true)} {
		if !strings.Contains(page, "read 3 MiB at most, kept for 5 minutes") {
			t.Errorf("the page of messages lacks the known result or its bytes:\n%s", page)
		}
	}
	page := get("/", false)
	if !strings.Contains(page, "charges for queries") || strings.Contains(page, `hx-get="/overview/activity" hx-trigger`) {
		t.Errorf("the page loads numbers by itself:\n%s", page)
	}
	if s.numbers.age != 5*time.Minute {
		t.Errorf("results are kept for %s", s.numbers.age)
	}
	s.numbers.results[activityKey] = &result{
		Value: []report.Minute{{Minute: time.Now().UTC().Truncate(time.Minute), Metric: "sent", Events: 7}}, At: time.Now().Add(-4 * time.Minute), Bytes: 5 << 20,
	}
	for _, page := range []string{get("/", false), get("/overview/activity", true)} {
		if !strings.Contains(page, "read 5 MiB at most") || !strings.Contains(page, "<b>7</b>") {
			t.Errorf("the page lacks the known result or its bytes:\n%s", page)
		}
	}
}
