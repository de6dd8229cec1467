package duckdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// versions are the old and the new file of a revision, and the files beside them.
type versions struct {
	// old is the database file without symbolic links: a rename would replace a link.
	old string
	// fresh is the new file. A revision that was interrupted leaves the file behind.
	fresh string
	// marker is an empty file beside a database that has bytes of erased rows.
	marker string
	path   string // as configured: DuckDB's log lies beside the link
}

func newVersions(path string) versions {
	old, err := filepath.EvalSymlinks(path)
	if err != nil {
		old = path
	}
	return versions{old: old, fresh: old + ".fresh", marker: old + ".unclean", path: path}
}

// removeLeftovers removes the new file, and the temporary files of a killed DuckDB, which
// may have rows. The caller has the file open: nobody else uses the temporary files.
func (v versions) removeLeftovers() error {
	return remove(v.fresh, v.fresh+".wal", v.fresh+".tmp", v.path+".tmp")
}

// removeFresh removes the new file.
func (v versions) removeFresh() error { return remove(v.fresh, v.fresh+".wal") }

func remove(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			errs = append(errs, fmt.Errorf("remove temporary file: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (v versions) marked() bool {
	_, err := os.Stat(v.marker)
	return err == nil
}

func (v versions) mark() error {
	if err := os.WriteFile(v.marker, nil, 0o600); err != nil {
		return fmt.Errorf("create marker: %w", err)
	}
	return syncFile(filepath.Dir(v.marker))
}

// spareRoom is the free room in bytes that a copy leaves.
const spareRoom = 64 << 20

// checkRoom returns an obstacle if a copy of the file does not fit beside the file. A copy
// takes about as much room as the file, and blocks of a checkpoint come on top.
func (v versions) checkRoom() error {
	info, err := os.Stat(v.old)
	if err != nil {
		return fmt.Errorf("read size of the database: %w", err)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(v.old), &st); err != nil || st.Blocks == 0 {
		return nil //nolint:nilerr // a file system without figures
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:gosec,unconvert // the types differ between systems
	if want := info.Size() + info.Size()/10 + spareRoom; free < want {
		const mib = 1 << 20
		return &obstacle{fmt.Sprintf("the file system of %s has %d MiB free, and a copy needs %d MiB. Free disk space", v.old, free/mib, want/mib)}
	}
	return nil
}

// replace makes the new file durable and renames it. DuckDB's own shell takes no lease, and
// may open the old file as soon as this process has closed it: then its changes would be
// lost. So replace takes DuckDB's lock, and looks whether the old file is as it was. The
// marker stays beside a new file that is not clean.
func (s *Sink) replace(v versions, unclean bool) error {
	before, err := os.Stat(v.old)
	if err != nil {
		return fmt.Errorf("read old file: %w", err)
	}
	if err := v.adopt(before); err != nil {
		return err
	}
	err = s.file.closeDatabase()
	s.file, s.unsaved = nil, 0
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	lock, err := lockLikeDuckDB(v.old)
	if err != nil {
		return fmt.Errorf("replace %s: another process has opened the file, run the erasure again: %w", v.old, err)
	}
	defer lock.Close()
	after, err := lock.Stat()
	if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) || exists(v.path+".wal") {
		return errors.Join(fmt.Errorf("replace %s: another process has changed the file, run the erasure again", v.old), err)
	}
	step("rename")
	if err := os.Rename(v.fresh, v.old); err != nil {
		return fmt.Errorf("replace database: %w", err)
	}
	step("renamed")
	if err := syncFile(filepath.Dir(v.old)); err != nil {
		return err
	}
	if unclean {
		return nil
	}
	if err := os.Remove(v.marker); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove marker: %w", err)
	}
	return nil
}

// adopt gives the new file the owner and the rights of the old one, and syncs the file.
func (v versions) adopt(old fs.FileInfo) error {
	if exists(v.fresh + ".wal") {
		return errors.New("DuckDB has left a log beside the new file")
	}
	if err := os.Chmod(v.fresh, old.Mode().Perm()); err != nil {
		return fmt.Errorf("set rights of the new file: %w", err)
	}
	info, err := os.Stat(v.fresh)
	if err != nil {
		return fmt.Errorf("read new file: %w", err)
	}
	was, ok := old.Sys().(*syscall.Stat_t)
	is, also := info.Sys().(*syscall.Stat_t)
	if ok && also && (was.Uid != is.Uid || was.Gid != is.Gid) {
		if err := os.Chown(v.fresh, int(was.Uid), int(was.Gid)); err != nil {
			return &obstacle{"the file belongs to another user, who could not write to a new file. Run cioctl as the user of the worker"}
		}
	}
	return syncFile(v.fresh)
}

// step is called in the steps of a revision. Tests replace the function to kill the process
// in a step.
var step = func(string) {}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// syncFile makes a file or the list of a folder durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open for sync: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// lockLikeDuckDB takes the lock that DuckDB takes on an open database, or returns an error
// at once.
func lockLikeDuckDB(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
