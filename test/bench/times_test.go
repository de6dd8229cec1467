package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// Roles of the test binary.
const (
	burnRole = "test-burn" // uses 50 ms of processor time
	loseRole = "test-lose" // starts burners, and has the kernel drop their processor time
)

const (
	burnTime = 50 * time.Millisecond
	burners  = 40
)

// runTestRole runs a role of the tests. It reports false when name is not a role.
func runTestRole(name string, args []string) (bool, error) {
	switch {
	case name == burnRole:
		for processTime() < burnTime {
		}
		return true, nil
	case name == loseRole && len(args) == 1:
		signal.Ignore(syscall.SIGCHLD) // nobody waits: the time of a child is added to no parent
		n, err := strconv.Atoi(args[0])
		if err == nil {
			err = burn(n)
		}
		return true, err
	}
	return false, nil
}

// burn runs burners one after the other.
func burn(n int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for range n {
		cmd := exec.Command(self, burnRole)
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = cmd.Wait() // fails where nobody waits, at the end of the burner
	}
	return nil
}

// visibleTime returns the processor time, in seconds, of the processes that /proc shows and
// that do not descend from this process.
func visibleTime(t *testing.T) (seconds float64) {
	t.Helper()
	processes, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	stats := map[int]procfs.ProcStat{}
	for _, p := range processes {
		if s, err := p.Stat(); err == nil {
			stats[s.PID] = s
		}
	}
	for _, s := range stats {
		if !descends(stats, s, os.Getpid()) && s.Flags&kernelThread == 0 {
			seconds += float64(s.UTime+s.STime) + float64(s.CUTime+s.CSTime)
		}
	}
	return seconds / ticks
}

// TestOthers burns processor time that the kernel adds to no process: the time counts, beside
// the time of the processes that /proc shows.
func TestOthers(t *testing.T) {
	t.Parallel()
	needsProc(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var m machine
	visible, begin := visibleTime(t), time.Now()
	c, err := m.during(t.Context(), func(ctx context.Context) error {
		return exec.CommandContext(ctx, self, loseRole, fmt.Sprint(burners)).Run()
	})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin).Seconds() * float64(processors(t))
	visible = visibleTime(t) - visible
	// The kernel counts the times of the processes in ticks: half of the time is certain.
	if got, want := c.others*took, visible+burners*burnTime.Seconds()/2; got < want {
		t.Errorf("others used %.2f s, want at least %.2f: %.2f of visible processes, and half of the lost time", got, want, visible)
	}
}

func needsProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
}

func processors(t *testing.T) int {
	t.Helper()
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := fs.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return len(whole.CPU)
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	stat := func(name string, started uint64, ticks uint) procfs.ProcStat {
		return procfs.ProcStat{Comm: name, Starttime: started, UTime: ticks}
	}
	before := processorTimes{processors: 2, programs: map[int]procfs.ProcStat{7: stat("old", 1, 900), 8: stat("sh", 1, 0), 9: stat("ended", 1, 800)}}
	after := processorTimes{processors: 2, programs: map[int]procfs.ProcStat{7: stat("old", 1, 910), 8: stat("sh", 1, 40), 9: stat("new", 5, 100), 10: stat("burn", 6, 90)}}
	if got, want := after.busiestSince(before, time.Second), (program{"new", 0.5}); got != want {
		t.Errorf("the busiest is %v, want %v", got, want)
	}
	if got := before.busiestSince(before, time.Second); got != (program{}) {
		t.Errorf("the busiest of nobody is %v", got)
	}
}

// TestOwn burns processor time in children: the time belongs to the bench.
func TestOwn(t *testing.T) {
	t.Parallel()
	needsProc(t)
	before, err := readTimes()
	if err != nil {
		t.Fatal(err)
	}
	if err := burn(10); err != nil {
		t.Fatal(err)
	}
	after, err := readTimes()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := after.own-before.own, 10*burnTime.Seconds(); got < want-0.02 { // a tick at either end
		t.Errorf("the bench used %.2f s, want at least %.2f", got, want)
	}
}

func TestOthersSince(t *testing.T) {
	t.Parallel()
	before := processorTimes{processors: 2, idle: 10, steal: 1, own: 5, kernel: 1}
	for name, test := range map[string]struct {
		after processorTimes
		want  float64
	}{
		"others":                     {processorTimes{processors: 2, idle: 10, steal: 1, own: 6, kernel: 2}, 0.5},
		"nobody":                     {processorTimes{processors: 2, idle: 11, steal: 1, own: 8, kernel: 1}, 0},
		"the host":                   {processorTimes{processors: 2, idle: 11, steal: 3, own: 6, kernel: 1}, 0.5},
		"the host, in the own time":  {processorTimes{processors: 2, idle: 11, steal: 3, own: 8, kernel: 1}, 0.5},
		"more than the machine used": {processorTimes{processors: 2, idle: 13, steal: 1, own: 8, kernel: 1}, -0.5},
	} {
		if got := test.after.othersSince(before, 2*time.Second); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
