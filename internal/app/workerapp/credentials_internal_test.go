package workerapp

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

// A lateSink fails to open with the errors, one after the other.
type lateSink struct {
	place.Sink
	errs func() error
}

func (s lateSink) Open(context.Context) error { return s.errs() }

func (lateSink) Store(context.Context) (warehouse.Store, error) { return warehouse.Store{ID: "a"}, nil }

// A worker without credentials ends after a minute: Google's library looks once for a
// metadata server, and a late server is only found after a restart.
func TestPatienceForCredentials(t *testing.T) {
	t.Parallel()
	missing := fmt.Errorf("create client: %w", warehouse.ErrNoCredentials)
	for name, c := range map[string]struct {
		after  time.Duration // the sink has credentials from this time on
		outage bool          // another error in the middle of the minute
		ends   time.Duration // 0: does not end
	}{
		"never":                               {after: time.Hour, ends: time.Minute},
		"soon":                                {after: 30 * time.Second},
		"an outage is no lack of credentials": {after: 100 * time.Second, outage: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				sink := lateSink{errs: func() error {
					passed := time.Since(begin)
					switch {
					case passed >= c.after:
						return nil
					case c.outage && passed > 30*time.Second && passed < 60*time.Second:
						return errors.New("no network")
					default:
						return missing
					}
				}}
				g := &storeGuard{sink: sink, log: zerolog.Nop(), known: make(chan struct{})}
				g.rows = worker.NewRows("warehouse", sink, worker.NewMetrics(prometheus.NewRegistry()))
				err := g.open(t.Context(), credentialsWait)
				if (err != nil) != (c.ends > 0) {
					t.Errorf("open returns %v", err)
				}
				if took := time.Since(begin); err != nil && (took < c.ends || took > c.ends+lastOpenWait) {
					t.Errorf("the worker ends after %v, want %v", took, c.ends)
				}
			})
		})
	}
}

// The whole worker ends with the error, for an exit code of 1.
func TestEndWithoutCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	env := map[string]string{
		"NATS_URL": streamtest.Start(t).URL(), "ADMIN_ADDR": "127.0.0.1:0", "WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "bigquery://proj/messaging",
	}
	var cfg Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
	a, err := New(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	a.credentialsWait = time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = a.Run(ctx)
	if !errors.Is(err, warehouse.ErrNoCredentials) || !strings.Contains(err.Error(), "GCE_METADATA_HOST=169.254.169.254") {
		t.Errorf("the worker ends with %v; want advice about the credentials", err)
	}
}
