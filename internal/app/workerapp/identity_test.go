package workerapp_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// TestIdentityOfEvents sends bodies through a stream and a worker into DuckDB, and replays
// them. An event is its workspace, event_id and metric.
func TestIdentityOfEvents(t *testing.T) {
	t.Parallel()
	const (
		sentTwice = `{"event_id":"DUP2","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"1"}}}`
		noMetric  = `{"event_id":"DUP3","timestamp":1760000000,"data":{"identifiers":{"id":"1"}}}`
		noID      = `{"object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"1"}}}`
	)
	s := startWarehouse(t)
	s.publish(
		`{"event_id":"DUP1","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"1"},"delivery_id":"DD"}}`,
		`{"event_id":"DUP1","object_type":"email","metric":"bounced","timestamp":1760000001,"data":{"identifiers":{"id":"1"},"delivery_id":"DD"}}`,
		sentTwice, sentTwice,
		noMetric, noMetric,
		noID, noID,
	)
	want := [][]any{{"DUP1", "bounced"}, {"DUP1", "sent"}, {"DUP2", "sent"}, {"DUP3", nil}, {"a digest", "sent"}}
	s.wantRows(want)
	(&scene{t: t, conn: s.conn}).replay("warehouse")
	s.wantRows(want)
}

// A warehouseScene is a worker that fills a DuckDB file.
type warehouseScene struct {
	t    *testing.T
	conn *stream.Conn
	path string
}

func startWarehouse(t *testing.T) *warehouseScene {
	t.Helper()
	nats := streamtest.Start(t)
	s := &warehouseScene{t: t, conn: nats.Connect(stream.Settings{}), path: filepath.Join(t.TempDir(), "e.duckdb")}
	env := map[string]string{
		"NATS_URL": nats.URL(), "ADMIN_ADDR": "127.0.0.1:0", "WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:" + s.path,
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
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the worker ended with: %v", err)
		}
	})
	return s
}

// publish publishes the bodies as ingest does.
func (s *warehouseScene) publish(bodies ...string) {
	s.t.Helper()
	publisher, err := stream.NewPublisher(s.conn, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer publisher.Close()
	for _, body := range bodies {
		m := &event.Message{Workspace: "acme", ReceivedAt: time.Now(), Body: []byte(body)}
		if err := m.Index(); err != nil {
			s.t.Fatal(err)
		}
		if _, err := publisher.Publish(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
	}
}

// wantRows waits until the table has the rows, and names the difference if it never has.
func (s *warehouseScene) wantRows(want [][]any) {
	s.t.Helper()
	const query = "SELECT CASE WHEN length(event_id) = 64 THEN 'a digest' ELSE event_id END AS id, metric FROM customerio_events ORDER BY ALL"
	deadline := time.Now().Add(20 * time.Second)
	for {
		table, err := duckdb.Query(s.t.Context(), s.path, query)
		if err == nil && cmp.Equal(table.Rows, want) {
			return
		}
		if time.Now().After(deadline) {
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Fatalf("rows (-want +got):\n%s", cmp.Diff(want, table.Rows))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.t.Context().Done():
		}
	}
}
