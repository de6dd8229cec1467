package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// RSS returns the resident memory of the process in MiB, 0 when the process does
// not run.
func (p *Process) RSS() float64 {
	fields := strings.Fields(p.proc("statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64) // The kernel writes a number.
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// PeakRSS returns the largest resident memory since the start of the process in
// MiB, 0 when the process does not run.
func (p *Process) PeakRSS() float64 {
	for line := range strings.Lines(p.proc("status")) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64)
			return kb / 1024
		}
	}
	return 0
}

// CPU returns the processor time that the process has used, 0 when the process
// does not run.
func (p *Process) CPU() time.Duration {
	_, rest, _ := strings.Cut(p.proc("stat"), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // A tick of Linux is 1/100 s.
}

// proc reads a file of the process below /proc, "" when the process does not run.
func (p *Process) proc(file string) string {
	pid, err := p.pid()
	if err != nil {
		return ""
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return ""
	}
	return string(b)
}
