package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The worker collects when the heap has heapGoal bytes, after heapGrowth more at least. Go's
// default collects a heap that has doubled: too often for the 20 to 40 MB that a worker has in
// use while it fills DuckDB, and too late for the opens in hand of a burst, some 30 MB more.
// With less growth a worker that fills Parquet, with as much in use as in a burst, takes
// more processor time: a tenth with 30 MiB.
const (
	heapGoal   = 80 << 20
	heapGrowth = 40 << 20
)

// gcPercent returns the value of GOGC for a heap with live bytes in use, between 50 and 200.
// The largest heap, as of large e-mails, is therefore collected twice as often as by Go's
// default of 100. A memory limit would collect a heap above the limit without end.
func gcPercent(live uint64) int {
	goal := max(heapGoal, live+heapGrowth)
	percent := 100 * (goal - live) / max(live, 1)
	return int(max(50, min(200, percent/10*10)))
}

// tuneGC lets GOGC follow the heap. Go's own variables win.
func tuneGC(getenv func(string) string) {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := 100
	afterEachGC(func() {
		if next := gcPercent(liveHeap()); next != percent {
			percent = next
			debug.SetGCPercent(percent) // stops the program for some microseconds
		}
	})
}

// afterEachGC calls fn soon after each collection. A collection finds an object to which
// nothing points.
func afterEachGC(fn func()) {
	type object struct{ _ *object } // an object without pointers may share its memory
	runtime.AddCleanup(&object{}, func(struct{}) {
		fn()
		afterEachGC(fn)
	}, struct{}{})
}

// liveHeap returns the bytes that the last collection found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
