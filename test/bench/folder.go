package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// folderName begins the names of the folders of the bench.
const folderName = "cioevents-bench-"

// A folder has the files of a run. The lock of the folder ends with the process, also when
// the process is killed.
type folder struct {
	path string
	lock *os.File
}

func newFolder(temp string) (*folder, error) {
	path, err := os.MkdirTemp(temp, folderName)
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &folder{path: path, lock: lock}, nil
}

// lockFolder locks a folder until the result is closed, or fails when a process has the lock.
func lockFolder(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // which has no data
		return nil, err
	}
	return f, nil
}

func (f *folder) remove() {
	_ = os.RemoveAll(f.path) // the next run names the folder
	_ = f.lock.Close()
}

// leftOver names the folders that runs have left which were killed, each with its size and
// the command that removes it. "" without a folder.
func leftOver(temp string) string {
	paths, _ := filepath.Glob(filepath.Join(temp, folderName+"*")) // the pattern is right
	var lines strings.Builder
	for _, path := range paths {
		lock, err := lockFolder(path)
		if err != nil {
			continue // the run goes on
		}
		_ = lock.Close() // which has no data
		fmt.Fprintf(&lines, "a killed run has left %d MB: rm -r %s\n", sizeOf(path)/1_000_000, path)
	}
	return lines.String()
}

// sizeOf returns the bytes of the files below a folder. A file that disappears counts as 0.
func sizeOf(path string) (bytes int64) {
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
