package main

import (
	"context"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A quickSink takes no time.
type quickSink struct{ warehouse.Sink }

func (quickSink) Write(context.Context, []warehouse.Row) (r warehouse.Result, err error) {
	return r, nil
}

// TestMeasureWrites writes the first batches for a time, and then the batches that count.
func TestMeasureWrites(t *testing.T) {
	t.Parallel()
	empty := func(yield func([]warehouse.Row, error) bool) {
		for yield(nil, nil) { // until measure has enough
		}
	}
	for first, want := range map[time.Duration]int{0: leastFirst, time.Hour: mostFirst} {
		var w written
		if err := w.measure(t.Context(), quickSink{}, first, empty); err != nil {
			t.Fatal(err)
		}
		if w.First.Batches != want || w.Then.Batches != growthBatches {
			t.Errorf("first %v: %d batches and %d after them, want %d and %d", first, w.First.Batches, w.Then.Batches, want, growthBatches)
		}
	}
}
