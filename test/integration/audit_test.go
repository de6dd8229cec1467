package integration_test

import (
	"testing"
	"time"
)

// An audit of four times the deliveries in four times the files, which no compaction has
// merged yet, takes about as much memory. DuckDB would need 0.5 MB for each file of a view.
func TestAuditMemory(t *testing.T) {
	t.Parallel()
	const few, batch = 1000, 10
	b := newBackfillBed(t, 4*few, true)
	b.startWorker()
	b.wait("the consumers exist", 30*time.Second, func() error { return b.client.Drained(t.Context(), 3) })
	b.fill(few, batch)
	_, first := b.measured(nil, "audit")
	b.fill(3*few, batch)
	_, second := b.measured(nil, "audit")
	if second > first+40 {
		t.Errorf("%.0f MiB for %d deliveries, and %.0f for %d", first, few, second, 4*few)
	}
}
