package names_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/names"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A bucket keeps keys until their time has passed, as NATS does.
type bucket struct {
	mu   sync.Mutex
	ends map[string]time.Time
}

func (b *bucket) Create(_ context.Context, key string, _ []byte, ttl time.Duration) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Now().Before(b.ends[key]) {
		return 0, stream.ErrStateConflict
	}
	b.ends[key] = time.Now().Add(ttl)
	return 1, nil
}

func (b *bucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ends, key)
	return nil
}

// A counting lister counts the listings.
type counting struct {
	listed

	calls int
}

func (c *counting) Sources(ctx context.Context) iter.Seq2[customerio.Source, error] {
	c.calls++
	return c.listed.Sources(ctx)
}

// Two workers list the names once a day between them, and again soon after a failure.
func TestKeeper(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("parquet:" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		api := &counting{listed: listed{sources: []customerio.Source{{Kind: "campaign", ID: 7, Name: "Onboarding"}}, err: errors.New("outage")}}
		reg := prometheus.NewRegistry()
		state, metrics := &bucket{ends: map[string]time.Time{}}, names.NewMetrics(reg)
		ctx, stop := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for range 2 {
			k := &names.Keeper{Workspace: "acme", App: api, Place: p, Store: "store", State: state, Metrics: metrics, Log: zerolog.Nop()}
			workers.Go(func() { k.Run(ctx) })
		}
		synctest.Wait()
		wantNames(t, p)
		failed := api.calls
		if failed == 0 {
			t.Error("the workers did not list names at the start")
		}
		api.err = nil
		<-time.After(12 * time.Minute)
		synctest.Wait()
		wantNames(t, p, "Onboarding")
		if api.calls != failed+1 {
			t.Errorf("%d listings after an outage, want 1", api.calls-failed)
		}
		api.sources[0].Name = "Welcome"
		<-time.After(22 * time.Hour)
		synctest.Wait()
		wantNames(t, p, "Onboarding")
		<-time.After(4 * time.Hour)
		synctest.Wait()
		wantNames(t, p, "Welcome")
		if api.calls != failed+2 {
			t.Errorf("%d listings on the second day, want 1", api.calls-failed-1)
		}
		stop()
		workers.Wait()
		wantOutcomes(t, reg, map[string]float64{"ok": 2, "failed": float64(failed)})
	})
}

// wantOutcomes checks the series of the instrument.
func wantOutcomes(t *testing.T, reg *prometheus.Registry, want map[string]float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "cioevents_names_synced_total" {
		t.Fatalf("instruments are %v, %v", families, err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func wantNames(t *testing.T, p place.Place, want ...string) {
	t.Helper()
	var got []warehouse.Name
	err := names.WithNotes(t.Context(), p, func(notes warehouse.Notes) (err error) {
		got, err = notes.Names(t.Context(), "acme")
		return err
	})
	if err != nil || len(got) != len(want) || len(got) == 1 && got[0].Name != want[0] {
		t.Errorf("names are %v, %v; want %v", got, err, want)
	}
}
