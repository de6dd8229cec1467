package bigquery_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// impatient returns a config with a short timeout.
func impatient(p place) bigquery.Config {
	cfg := p.config()
	cfg.Timeout = time.Second
	return cfg
}

// hasty returns a sink for cfg after another sink has opened the dataset: Open makes too
// many calls for a short timeout.
func hasty(t *testing.T, p place, cfg bigquery.Config) *bigquery.Sink {
	t.Helper()
	open(t, p.config())
	return newSink(t, cfg)
}

// BigQuery resets connections or does not answer, between two batches, and comes back.
// The same sink continues.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(place){"stopped": place.stop, "hanging": place.hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			sink := hasty(t, p, impatient(p))
			all := rows(t, 0, 150)
			write(t, sink, all[:50])
			begin(p)
			for range 2 {
				began := time.Now()
				if _, err := sink.Write(t.Context(), all[50:100]); err == nil {
					t.Error("Write succeeded during an outage")
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("Write took %v", took)
				}
			}
			p.Restart()
			write(t, sink, all[50:100])
			write(t, sink, all[100:])
			wantRows(t, p, all)
		})
	}
}

func (p place) stop() { p.Stop() }
func (p place) hang() { p.Hang() }

func TestOutageWhileWriting(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := hasty(t, p, impatient(p))
	all := rows(t, 0, 1_000)
	p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		if r.Number == 1 {
			p.Stop()
		}
		return bigqueryfake.Fault{}
	})
	if _, err := sink.Write(t.Context(), all); err == nil {
		t.Fatal("Write succeeded during an outage")
	}
	p.Fault(nil)
	p.Restart()
	write(t, sink, all)
	wantRows(t, p, all)
}

// A long outage costs no memory: failed writes leave no goroutines behind.
func TestOutageLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := impatient(p)
	cfg.Timeout = 50 * time.Millisecond
	sink := open(t, p.config())
	batch := rows(t, 0, 100)
	write(t, sink, batch)
	_ = sink.Close()
	sink = newSink(t, cfg)
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault { return bigqueryfake.Fault{Delay: time.Minute} })
	before := runtime.NumGoroutine()
	for range 20 {
		if _, err := sink.Write(t.Context(), batch); err == nil {
			t.Fatal("Write succeeded without an answer")
		}
	}
	deadline := time.Now().Add(20 * time.Second)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for runtime.NumGoroutine() > before+40 { // other tests are running
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines became %d", before, runtime.NumGoroutine())
		}
		<-ticker.C
	}
}

func TestOpenDuringAnOutage(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Timeout = 4 * time.Second // Open takes many calls
	sink := newSink(t, cfg)
	p.Stop()
	if err := sink.Open(t.Context()); err == nil {
		t.Fatal("Open succeeded during an outage")
	}
	p.Restart()
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, sink, rows(t, 0, 10))
}

func TestTimeoutIsNamed(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := hasty(t, p, impatient(p))
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault { return bigqueryfake.Fault{Delay: time.Minute} })
	_, err := sink.Write(t.Context(), rows(t, 0, 10))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 1s") {
		t.Errorf("error is %v", err)
	}
}

// Calls that wait for two batches without an answer still have their own time.
func TestTimeoutBeginsWithTheTurn(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := impatient(p)
	cfg.Timeout = 4 * time.Second // Open takes many calls
	sink := hasty(t, p, cfg)
	write(t, sink, rows(t, 0, 10))
	hanging := make(chan struct{}, 2)
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault {
		hanging <- struct{}{}
		return bigqueryfake.Fault{Delay: time.Minute}
	})
	var calls sync.WaitGroup
	defer calls.Wait()
	for range 2 {
		calls.Go(func() {
			if _, err := sink.Write(t.Context(), rows(t, 10, 10)); err == nil {
				t.Error("Write succeeded without an answer")
			}
		})
	}
	<-hanging
	calls.Go(func() {
		if _, err := sink.Store(t.Context()); err != nil {
			t.Errorf("Store: %v", err)
		}
	})
	if err := sink.Open(t.Context()); err != nil {
		t.Errorf("Open: %v", err)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	ctx, cancel := context.WithCancel(t.Context())
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault {
		cancel()
		return bigqueryfake.Fault{Delay: time.Minute}
	})
	batch := rows(t, 0, 10)
	if _, err := sink.Write(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	p.Fault(nil)
	write(t, sink, batch)
	wantRows(t, p, batch)
}
