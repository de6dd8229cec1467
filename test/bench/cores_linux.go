package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A cache line that two processors write in turn travels between their caches. A host
// that moves the processors of a virtual machine changes the time of the travel: 90 ns
// become 400 ns for half a minute, and every program that uses both processors becomes
// slower by a fifth. runCores measures the time during a run.
const (
	// lineEvery is the time between two samples. A sample takes linePatience at most on
	// each of two processors: 0.6 % of the machine.
	lineEvery    = 50 * time.Millisecond
	linePatience = 300 * time.Microsecond
	// A sample is the quickest of lineBlocks blocks, of lineTrips round trips each: an
	// interrupt delays a single block.
	lineBlocks = 4
	lineTrips  = 16
)

// runCores writes the time of a cache line between two processors in nanoseconds, a
// line for each sample. A sample fails when a busy machine does not run both threads at
// the same moment. runCores has a process of its own, because the Go scheduler of a busy
// process would run the threads too late.
func runCores(ctx context.Context, out io.Writer) error {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("read the processors of this process: %w", err)
	}
	var cpus []int
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) < 2 {
		return errors.New("measure a cache line: want two processors")
	}
	runtime.GOMAXPROCS(4) // both threads spin
	var l cacheLine
	start := monotonic() + lineEvery
	go l.repeat(ctx, cpus[1], start, l.answer)
	return l.repeat(ctx, cpus[0], start, func(base uint64) {
		if took := l.measure(base); took > 0 {
			_, _ = fmt.Fprintln(out, took.Nanoseconds()) // nobody reads after the end of the bench
		}
	})
}

// A cacheLine is a counter that two threads raise in turn, alone in its cache line.
type cacheLine struct {
	_     [128]byte
	count atomic.Uint64
	_     [128]byte
}

// repeat pins its thread to a processor and calls sample each lineEvery after start, with
// a new base of the counter. Both threads sleep until the same moment of the clock.
func (*cacheLine) repeat(ctx context.Context, cpu int, start time.Duration, sample func(base uint64)) error {
	runtime.LockOSThread() // without unlock: the pinned thread ends with the goroutine
	var only unix.CPUSet
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("pin a thread to processor %d: %w", cpu, err)
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)          // wake on time; 50 µs late without
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20) // only root may
	for n := uint64(1); ctx.Err() == nil; n++ {
		until := unix.NsecToTimespec(int64(start + time.Duration(n)*lineEvery))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil) == unix.EINTR {
		}
		sample(n << 16)
	}
	return nil
}

// measure returns the time of the cache line for one way, or 0 when the other thread is
// late.
func (l *cacheLine) measure(base uint64) (quickest time.Duration) {
	deadline := monotonic() + linePatience
	trip := func() bool {
		l.count.Store(base + 1)
		base += 2
		return l.wait(base, deadline)
	}
	if !trip() {
		return 0
	}
	for range lineBlocks {
		begin := monotonic()
		for range lineTrips {
			if !trip() {
				return 0
			}
		}
		took := (monotonic() - begin) / (2 * lineTrips)
		if quickest == 0 || took < quickest {
			quickest = took
		}
	}
	return quickest
}

// answer is the other side of measure.
func (l *cacheLine) answer(base uint64) {
	deadline := monotonic() + linePatience
	for range 1 + lineBlocks*lineTrips {
		if !l.wait(base+1, deadline) {
			return
		}
		base += 2
		l.count.Store(base)
	}
}

// wait spins until the counter has the value, and returns false after the deadline.
func (l *cacheLine) wait(value uint64, deadline time.Duration) bool {
	for spins := 1; l.count.Load() != value; spins++ {
		if spins%512 == 0 && monotonic() > deadline {
			return false
		}
	}
	return true
}

// monotonic returns the clock of ClockNanosleep.
func monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails for an unknown clock only
	return time.Duration(ts.Nano())
}
