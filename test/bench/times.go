package main

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// processorTimes are in seconds, since the start of the machine.
type processorTimes struct {
	processors int
	// idle is the time of the processors without work. The kernel measures idle, and counts
	// the other times of the machine in ticks: work of less than a tick after each request was
	// a tenth of the machine too low. steal is the time that the host gave to other virtual
	// machines.
	idle, steal float64
	// own is the time of this process and its descendants.
	own float64
	// kernel is the time of the kernel's threads. The threads work for the programs that are
	// measured.
	kernel float64
	// programs are the other processes by id.
	programs map[int]procfs.ProcStat
}

// A program is a process and the part of the machine that it used.
type program struct {
	name  string
	share float64
}

// ticks is the number of ticks in a second of the kernel's processor times.
const ticks = 100

// kernelThread is the flag of a thread of the kernel (PF_KTHREAD).
const kernelThread = 0x00200000

// readTimes reads the processor times of the machine and of the processes. A process that
// has ended counts with its parent.
func readTimes() (p processorTimes, err error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return p, fmt.Errorf("read /proc: %w", err)
	}
	whole, err := fs.Stat()
	if err != nil {
		return p, fmt.Errorf("read /proc/stat: %w", err)
	}
	stats, err := processStats(fs)
	if err != nil {
		return p, err
	}
	c := whole.CPUTotal
	p = processorTimes{processors: len(whole.CPU), programs: map[int]procfs.ProcStat{}, idle: c.Idle + c.Iowait, steal: c.Steal}
	for _, s := range stats {
		switch {
		case descends(stats, s, os.Getpid()):
			p.own += processorTime(s)
		case s.Flags&kernelThread != 0:
			p.kernel += processorTime(s)
		default:
			p.programs[s.PID] = s
		}
	}
	return p, nil
}

// processStats returns the processes by id.
func processStats(fs procfs.FS) (map[int]procfs.ProcStat, error) {
	processes, err := fs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	stats := map[int]procfs.ProcStat{}
	for _, process := range processes {
		if s, err := process.Stat(); err == nil { // else the process has ended
			stats[s.PID] = s
		}
	}
	return stats, nil
}

// processorTime returns the processor time, in seconds, of a process and of its children
// that have ended.
func processorTime(s procfs.ProcStat) float64 {
	return (float64(s.UTime+s.STime) + float64(s.CUTime+s.CSTime)) / ticks
}

// othersSince returns the part of the machine that other programs used in the time since
// before, or the host for other virtual machines. A sum over the other processes would
// miss the processes in other PID namespaces, and short processes whose parent ignores
// SIGCHLD: therefore others have used all time but the own. The result is below 0 when the
// kernel has counted more time for processes than for the machine.
func (p processorTimes) othersSince(before processorTimes, wall time.Duration) float64 {
	whole := wall.Seconds() * float64(p.processors)
	rest := whole - (p.idle - before.idle) - (p.own - before.own) - (p.kernel - before.kernel)
	// Some kernels count stolen time as time of the process, too.
	if steal := p.steal - before.steal; steal > math.Abs(rest) {
		rest = steal
	}
	return rest / whole
}

// busiestSince returns the other process that used the most processor time since before, and
// that /proc still shows. The time of ended children does not count: they may have used their
// time long before.
func (p processorTimes) busiestSince(before processorTimes, wall time.Duration) (most program) {
	for pid, s := range p.programs {
		used := s.CPUTime()
		if old, ok := before.programs[pid]; ok && old.Starttime == s.Starttime { // else another process had the id
			used -= old.CPUTime()
		}
		if share := used / (wall.Seconds() * float64(p.processors)); share > most.share {
			most = program{s.Comm, share}
		}
	}
	return most
}

// descends reports whether a process is the ancestor or descends from the ancestor.
func descends(stats map[int]procfs.ProcStat, s procfs.ProcStat, ancestor int) bool {
	for ok := true; ok; s, ok = stats[s.PPID] {
		if s.PID == ancestor {
			return true
		}
	}
	return false
}
