package operate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

func places(t *testing.T, urls ...string) []place.Place {
	t.Helper()
	list, err := place.ParseList(urls)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPlaceOf(t *testing.T) {
	t.Parallel()
	list := places(t, "duckdb:a", "duckdb:b", "parquet:c")
	for consumer, want := range map[string]string{"warehouse": "duckdb:a", "warehouse-duckdb": "duckdb:b", "warehouse-parquet": "parquet:c"} {
		if p, err := operate.PlaceOf(list, consumer); err != nil || p.URL != want {
			t.Errorf("%s fills %s, %v; want %s", consumer, p.URL, err, want)
		}
	}
	var input *operate.InputError
	if _, err := operate.PlaceOf(list, "suppression"); !errors.As(err, &input) {
		t.Errorf("suppression: %v, want an InputError", err)
	}
}

func (p *pipeline) plan(at place.Place) *operate.Adoption {
	p.t.Helper()
	a, err := operate.PlanAdoption(p.t.Context(), p.conn, at)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// A plan tells whether the store has what the consumer has settled, and changes no
// consumer.
func TestAdopt(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	dir := t.TempDir()
	list := places(t, "duckdb:"+filepath.Join(dir, "e.duckdb"), "parquet:"+t.TempDir())
	if _, err := operate.PlanAdoption(t.Context(), p.conn, list[0]); !errors.Is(err, operate.ErrNoConsumer) {
		t.Errorf("without a consumer: %v", err)
	}
	p.publish("a", "sent")
	cons := p.consumer("warehouse")
	attempts, err := cons.Fetch(t.Context(), event.Limits{Messages: 1})
	if err != nil || len(attempts) != 1 {
		t.Fatalf("fetched %d, %v", len(attempts), err)
	}
	if err := attempts[0].Settle.Ack(); err != nil {
		t.Fatal(err)
	}
	a := p.plan(list[0])
	for a.Settled == 0 { // the server handles an ack later
		a = p.plan(list[0])
	}
	host, _ := os.Hostname()
	want := &operate.Adoption{
		Consumer: "warehouse", Settled: 1, Empty: true, Missing: true,
		To: stream.Store{Place: "duckdb " + host + ":" + list[0].URL[len("duckdb:"):], Lacks: 1},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	// The kind of fault: a plan that creates a file at a mistyped path.
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the plan has created %v, %v", left, err)
	}
	if link, err := p.conn.StoreLink(t.Context(), "warehouse"); err != nil || link.Store.ID != "" {
		t.Errorf("the plan has linked %+v, %v", link, err)
	}
	if err := operate.Adopt(t.Context(), p.conn, list[0], a); err != nil {
		t.Fatal(err)
	}
	if again := p.plan(list[0]); again.Changes() || again.From != a.To {
		t.Errorf("after the adoption the plan is %+v", again)
	}
}

// A store with events may have been copied, so it is not noted as empty.
func TestAdoptAFullStore(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.consumer("warehouse")
	at := places(t, "parquet:"+t.TempDir())[0]
	sink, err := at.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(t.Context(), warehousetest.Rows(3)); err != nil {
		t.Fatal(err)
	}
	if a := p.plan(at); a.Empty || a.To.Lacks != 0 {
		t.Errorf("the plan is %+v", a)
	}
}

// BigQuery may store rows in a deleted table for 10 minutes after its recreation.
func TestAdoptWaitsForARecreatedTable(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	var passed atomic.Int64 // since an hour ago
	begin := time.Now().Add(-time.Hour)
	cloud, err := bigqueryfake.Start(bigqueryfake.Config{Now: func() time.Time { return begin.Add(time.Duration(passed.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	endpoints := "?grpc=" + cloud.GRPCEndpoint() + "&rest=" + cloud.RESTEndpoint()
	p.consumer(place.FirstConsumer)
	for name, c := range map[string]struct {
		from, to string // datasets
		created  time.Duration
		waits    bool
	}{
		"created again a minute ago": {"new", "new", 59 * time.Minute, true},
		"created again long ago":     {"ago", "ago", 0, false},
		"another dataset":            {"old", "other", 59 * time.Minute, false},
	} {
		to := places(t, "bigquery://proj/"+c.to+endpoints)[0]
		link := stream.Store{ID: "of the old table", Place: "bigquery proj." + c.from}
		if err := p.conn.SetStore(t.Context(), place.FirstConsumer, link); err != nil {
			t.Fatal(err)
		}
		passed.Store(int64(c.created))
		_, err := operate.PlanAdoption(t.Context(), p.conn, to)
		if (err != nil) != c.waits || err != nil && !strings.Contains(err.Error(), begin.Add(c.created+10*time.Minute).UTC().Format("adopt the warehouse after 2006-01-02 15:04")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
