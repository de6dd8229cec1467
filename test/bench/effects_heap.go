package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A heap is the largest heap of Go in a process, in MiB.
type heap struct{ inUse, fromSystem float64 }

func (h heap) String() string {
	return fmt.Sprintf("Go's heap at most %.0f MiB in use and %.0f MiB from the system", h.inUse, h.fromSystem)
}

// watchHeap asks the process for its heap five times a second until done is closed.
func watchHeap(ctx context.Context, p *lab.Process, done <-chan struct{}) (most heap) {
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-done:
			tick.Stop()
			return most
		}
		m, err := p.Scrape(ctx)
		if err != nil {
			continue // The process is starting.
		}
		most.inUse = max(most.inUse, m["go_memstats_heap_inuse_bytes"]/(1<<20))
		most.fromSystem = max(most.fromSystem, (m["go_memstats_sys_bytes"]-m["go_memstats_heap_released_bytes"])/(1<<20))
	}
}
