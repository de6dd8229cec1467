package warehousetest

import (
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Fill opens the sink, writes each batch, and closes the sink.
func Fill(tb testing.TB, sink warehouse.Sink, batches ...[]warehouse.Row) {
	tb.Helper()
	if err := sink.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	for _, rows := range batches {
		if _, err := sink.Write(tb.Context(), rows); err != nil {
			tb.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		tb.Fatal(err)
	}
}
