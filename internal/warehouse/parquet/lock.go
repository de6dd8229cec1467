package parquet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Names of lock files.
const (
	lockName      = ".compaction.lock"
	firstLockName = ".compact.lock" // of the first version
)

// ErrCompacting is the error of Compact and Backfill while another one of the two works
// on the folder.
var ErrCompacting = errors.New("another compaction of this folder is running: wait for its end")

// lockCompaction takes the lock of the folder's only compaction. The lock ends with
// the process. The empty file stays.
func lockCompaction(dir string) (*os.File, error) {
	if err := refuseFirstCompaction(dir); err != nil {
		return nil, err
	}
	return lock(filepath.Join(dir, lockName))
}

// refuseFirstCompaction makes each later compaction of the first version fail before
// the compaction touches a file. That compaction drops the second metric of an event_id,
// also in the files of workers of the first version, whose names it knows. It opens its
// lock as a file, and a folder in place of the file is an error. The error is
// ErrCompacting while such a compaction runs.
func refuseFirstCompaction(dir string) error {
	path := filepath.Join(dir, firstLockName)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		f, err := lock(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain(fmt.Errorf("remove lock file: %w", err))
		}
	}
	if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return explain(fmt.Errorf("create lock folder: %w", err))
	}
	return nil
}

// lock locks a file, which lock creates if it is missing.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, explain(fmt.Errorf("open lock file: %w", err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrCompacting
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
