package duckdb

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
)

func warnLocked(log zerolog.Logger, holder string) {
	log.Warn().Str("holder", holder).Msg("database file is locked, waiting")
}

// lockedError returns the error of a wait that ended with err.
func lockedError(holder string, err error) error {
	return fmt.Errorf("open database: file is locked by %s: %w", holder, err)
}

var lockPID = regexp.MustCompile(`\(PID (\d+)\)`)

// lockHolder reports whether DuckDB's error says that the file is locked, and
// returns the process that the error names.
func lockHolder(err error) (holder string, locked bool) {
	if !strings.Contains(err.Error(), "Could not set lock on file") {
		return "", false
	}
	m := lockPID.FindStringSubmatch(err.Error())
	if m == nil {
		return nobody, true
	}
	return processName(m[1]), true
}

// nobody is the holder when the system does not name one.
const nobody = "another process"

// processName returns the id of a process and the name of its program.
func processName(pid string) string {
	if name, err := os.ReadFile("/proc/" + pid + "/comm"); err == nil {
		return "process " + pid + " (" + strings.TrimSpace(string(name)) + ")"
	}
	return "process " + pid
}

// fileHolder returns the process with DuckDB's lock on the file. The process need not be
// the owner of the lease: a worker with the lease waits for DuckDB's shell.
func fileHolder(path string) string {
	if pid := lockOwner(path, "POSIX"); pid != "" {
		return processName(pid)
	}
	return nobody
}

// lockOwner returns the id of the process with a lock of the kind, POSIX or FLOCK, on the
// file. It is "" if there is none, or if the system does not name the process.
//
// Linux lists locks in lines such as
//
//	1: POSIX  ADVISORY  WRITE 1234 fe:00:10029738 0 EOF
//
// lockOwner compares the inode only, because file systems in layers show another device
// than stat. Asking the kernel with F_GETLK is no alternative: the process would open and
// close the file, and lose its own locks on the file.
func lockOwner(path, kind string) string {
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	file, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	for line := range strings.Lines(string(locks)) {
		f := strings.Fields(line)
		if len(f) >= 6 && f[1] == kind && strings.HasSuffix(f[5], fmt.Sprintf(":%d", file.Ino)) && f[4] != "0" {
			return f[4]
		}
	}
	return ""
}
