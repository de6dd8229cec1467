package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// quiet is the largest part of the machine that other programs may use during a run.
const quiet = 0.05

// oneState is the largest factor between two times of a cache line in the same state of
// the machine. The states differ by a factor of three or more, and the times of one state
// by up to 1.6.
const oneState = 2

// minLines is the smallest number of samples that tell the state of a run.
const minLines = 10

// A condition is the state of the machine during a run.
type condition struct {
	// lines are the sorted times of a cache line, in nanoseconds.
	lines []float64
	// others is the part of the machine that other programs used, or the host for other
	// virtual machines.
	others float64
	// busiest is the busiest of the other programs, if it is visible.
	busiest program
}

// line is the median time of a cache line.
func (c condition) line() float64 { return c.lines[len(c.lines)/2] }

// disturbedReason begins the reason of a run beside other programs.
const disturbedReason = "other programs used the machine"

// disturbed says why the figures of the run are not those of the product, "" without a
// reason.
func (c condition) disturbed() string {
	if math.Abs(c.others) > quiet { // below 0 when the kernel's counts contradict each other
		return disturbedReason
	}
	return ""
}

// visible is the smallest part of the machine for which a program is named.
const visible = 0.005

// busiestName names the busiest of the other programs.
func (c condition) busiestName() string {
	if c.busiest.share < visible {
		return "no visible program"
	}
	return fmt.Sprintf("%s with %.0f %%", c.busiest.name, 100*c.busiest.share)
}

// flaw says why the run compares with no other run, "" without a reason. A tenth of the
// samples may differ at either end.
func (c condition) flaw() string {
	n, reason := len(c.lines), c.disturbed()
	switch {
	case reason != "":
		return reason
	case n < minLines:
		return "the state of the machine is unknown"
	case c.lines[n*9/10] > oneState*c.lines[n/10]:
		return "the state of the machine changed"
	}
	return ""
}

// A machine observes the machine during runs.
type machine struct {
	cores *lab.Process
	mu    sync.Mutex
	lines []float64 // of the present run
}

// newMachine starts to measure the cache line. The caller stops m.cores.
func newMachine() (*machine, error) {
	m := &machine{}
	in, out := io.Pipe()
	go m.read(in)
	var err error
	if m.cores, err = lab.Self(coresRole); err != nil {
		return nil, err
	}
	m.cores.Stdout = out
	return m, m.cores.Start()
}

func (m *machine) read(in io.Reader) {
	for s := bufio.NewScanner(in); s.Scan(); {
		line, _ := strconv.ParseFloat(s.Text(), 64) // runCores prints numbers
		m.mu.Lock()
		m.lines = append(m.lines, line)
		m.mu.Unlock()
	}
}

// during returns the condition of the machine during a run.
func (m *machine) during(ctx context.Context, run func(context.Context) error) (condition, error) {
	m.take()
	before, err := readTimes()
	if err != nil {
		return condition{}, err
	}
	begin := time.Now()
	if err := run(ctx); err != nil {
		return condition{}, err
	}
	wall := time.Since(begin)
	after, err := readTimes()
	return condition{lines: m.take(), others: after.othersSince(before, wall), busiest: after.busiestSince(before, wall)}, err
}

// take returns the samples since the last take.
func (m *machine) take() []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := m.lines
	m.lines = nil
	slices.Sort(lines)
	return lines
}
