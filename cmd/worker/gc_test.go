package main

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
)

func TestGCPercent(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 200, 10 << 20: 200, 30 << 20: 160, 40 << 20: 100, 50 << 20: 80, 64 << 20: 60, 80 << 20: 50, 1 << 30: 50} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d%% with %d MiB in use, want %d%%", got, live>>20, want)
		}
	}
}

// A large heap has a GOGC of 50, and a small heap of 200. Not parallel: GOGC is one for the
// process, and follows the heap until the process ends.
func TestTuneGC(t *testing.T) { //nolint:paralleltest // as above
	tuneGC(func(string) string { return "" })
	heap := make([]byte, 200<<20)
	if got := percentSoon(t, 50); got != 50 {
		t.Errorf("GOGC is %d with %d MiB in use, want 50", got, len(heap)>>20)
	}
	runtime.KeepAlive(heap)
	if got := percentSoon(t, 200); got != 200 {
		t.Errorf("GOGC is %d with a small heap, want 200", got)
	}
}

// percentSoon collects until GOGC is want, ten times at most, and returns GOGC.
func percentSoon(t *testing.T, want int) int {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 10 {
		done := make(chan struct{})
		afterEachGC(sync.OnceFunc(func() { close(done) }))
		runtime.GC()
		<-done
		metrics.Read(sample)
		if int(sample[0].Value.Uint64()) == want {
			break
		}
	}
	return int(sample[0].Value.Uint64())
}
