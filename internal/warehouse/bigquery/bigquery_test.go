package bigquery_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestManyRowsOverSeveralConnections(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Connections = 3
	sink := open(t, cfg)
	batch := rows(t, 0, 12_000)
	for range 2 { // the second Write reuses the buffers of the first
		if result, err := sink.Write(t.Context(), batch); err != nil || result.Inserted != len(batch) {
			t.Fatalf("result is %+v, %v", result, err)
		}
	}
	if got := p.Counts(); got.Connections != 3 || got.Appends != 10 {
		t.Errorf("counts are %+v; want 3 connections, and 5 requests twice", got)
	}
	wantRows(t, p, batch)
	want := payloads(batch)
	for _, row := range p.raw() {
		if id := row["event_id"].(string); row["payload"] != want[id] {
			t.Fatalf("event %s has the payload of another event", id)
		}
	}
}

func payloads(batch []warehouse.Row) map[string]string {
	out := make(map[string]string, len(batch))
	for i := range batch {
		out[batch[i].EventID] = string(batch[i].Raw)
	}
	return out
}

// No request exceeds the limit, wherever the large rows are.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 7)
	for i := range batch {
		size := []int{1_500_000, 8 << 20, 100, 4_000_000}[i%4]
		batch[i].Raw = fmt.Appendf(nil, `{"x":"%s"}`, bytes.Repeat([]byte("x"), size))
	}
	batch[5].Raw = append(batch[5].Raw, bytes.Repeat([]byte(" "), 1<<20)...)
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 6 || len(result.Rejected) != 1 || result.Rejected[0].Index != 5 {
		t.Fatalf("%d inserted, rejected: %v, error: %v; want the rejection of row 5", result.Inserted, result.Rejected, err)
	}
	if got := p.Counts().Appends; got != 3 {
		t.Errorf("got %d requests, want 3", got)
	}
	wantRows(t, p, append(batch[:5:5], batch[6:]...))
}

func TestRowsThatNoWarehouseStores(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 5)
	batch[0].EventID, batch[4].Raw = "", nil
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 3 || len(result.Rejected) != 2 || result.Rejected[0].Index != 0 || result.Rejected[1].Index != 4 {
		t.Errorf("result is %+v, %v", result, err)
	}
	if _, err := sink.Write(t.Context(), nil); err != nil {
		t.Errorf("empty batch: %v", err)
	}
	if result, err := sink.Write(t.Context(), batch[:1]); err != nil || len(result.Rejected) != 1 {
		t.Errorf("batch of one bad row: %+v, %v", result, err)
	}
	wantRows(t, p, batch[1:4])
}

func TestConcurrentSinks(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	batch := rows(t, 0, 3_000)
	errs := make(chan error)
	for i := range 4 {
		sink := newSink(t, p.config())
		go func() {
			err := sink.Open(t.Context())
			for j := 0; j < 4 && err == nil; j++ {
				from := (i + j) * 400
				_, err = sink.Write(t.Context(), batch[from:from+600])
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantRows(t, p, batch[:3_000])
}

func TestCloseWithoutOpen(t *testing.T) {
	t.Parallel()
	sink, err := bigquery.New(bigquery.Config{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
}
