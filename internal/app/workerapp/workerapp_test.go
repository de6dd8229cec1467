package workerapp_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// The warehouse can be queried before the first event and before NATS is reachable.
func TestWarehouseIsThereFromTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	env := map[string]string{
		"WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:" + path,
		"NATS_URL": "nats://127.0.0.1:1", "ADMIN_ADDR": "127.0.0.1:0",
	}
	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
	app, err := workerapp.New(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	waitFor(t, "the views are created", func() bool {
		_, err := duckdb.Query(t.Context(), path, "FROM customerio_messages")
		return err == nil
	})
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}
