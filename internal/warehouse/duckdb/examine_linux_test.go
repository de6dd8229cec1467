package duckdb_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The kind of fault: nobody can write beside a sound file, and the remedy throws the file
// away.
func TestExamineReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skip("mount:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := filepath.Join(dir, "e.duckdb")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	got := examined(t, path)
	expect(
		t, got, "broken true: folder "+dir+" is not writable: read-only file system → remount the file system for writing",
		"broken false: not read: open database: open lock file: open "+path+".queue: read-only file system → let the user of this program write to the .lock and .queue files",
	)
	if strings.Count(got, "broken true") != 1 || strings.Contains(got, "backup") || strings.Contains(got, "locked by") {
		t.Error(got)
	}
}
