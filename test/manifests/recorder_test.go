package manifests_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// A recorder is the Prometheus of a run: it keeps what was scraped, by series. Its time
// passes faster than the real time, so that a window of minutes fills within seconds.
type recorder struct {
	now   time.Time
	lines map[uint64]*line
}

// A line is one series.
type line struct {
	labels  labels.Labels
	samples []chunks.Sample
	live    bool // has a value in the current scrape
}

func newRecorder() *recorder { return &recorder{now: time.Now(), lines: map[uint64]*line{}} }

// add adds a value to a series.
func (r *recorder) add(l labels.Labels, v float64) {
	id := l.Hash()
	if r.lines[id] == nil {
		r.lines[id] = &line{labels: l}
	}
	r.lines[id].live = true
	r.lines[id].append(r.now, v)
}

func (l *line) append(at time.Time, v float64) {
	l.samples = append(l.samples, sample{time.Duration(at.UnixNano()), v})
}

// endScrape marks the series that have ended as Prometheus does.
func (r *recorder) endScrape() {
	for _, l := range r.lines {
		if n := len(l.samples); !l.live && !value.IsStaleNaN(l.samples[n-1].F()) {
			l.append(r.now, math.Float64frombits(value.StaleNaN))
		}
		l.live = false
	}
}

// Querier implements storage.Queryable.
func (r *recorder) Querier(from, to int64) (storage.Querier, error) {
	var m memory
	for _, l := range r.lines {
		m = append(m, storage.NewListSeries(l.labels, l.samples))
	}
	return m.Querier(from, to)
}

// scrape reads /metrics with Prometheus' own parser, and adds the labels of the target.
func (r *recorder) scrape(t *testing.T, address string, target labels.Labels) {
	t.Helper()
	p := textparse.NewPromParser(metricsOf(t, address), labels.NewSymbolTable(), false)
	for {
		entry, err := p.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("metrics of %s: %v", address, err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var l labels.Labels
		p.Labels(&l)
		b := labels.NewBuilder(l)
		target.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		r.add(b.Labels(), v)
	}
}

func metricsOf(t *testing.T, address string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", answer.StatusCode)
	}
	if err != nil {
		t.Fatalf("metrics of %s: %v", address, err)
	}
	return text
}
