package warehouse_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Another user may not write.
func TestExamineFolderOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	dir, err := os.MkdirTemp("", "examine") //nolint:usetesting // everybody may enter /tmp, and not the folder of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Env = append(cmd.Environ(), limited+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is not writable: permission denied let the worker's user write") {
		t.Errorf("%v: %s", err, out)
	}
}

// A real file system that is small, full and read-only.
func TestExamineFileSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("mount:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	if s := examined(t, dir); s.Broken || !strings.Contains(s.Remedy, "free disk space before the disk is full") {
		t.Error("small:", s)
	}
	full := filepath.Join(dir, "full")
	if err := os.WriteFile(full, make([]byte, 3<<20), 0o600); err == nil {
		t.Error("3 MiB fit into 2 MiB")
	}
	if s := warehouse.ExamineFolder(dir); !s.Broken || !strings.Contains(s.Detail, "no space left on device") || !strings.Contains(s.Remedy, "free disk space") {
		t.Error("full:", s)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	remount := func() error { return syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") }
	err := remount()
	for errors.Is(err, syscall.EBUSY) && t.Context().Err() == nil { // a child of another test has its copy of a file
		err = remount()
	}
	if err != nil {
		t.Fatal(err)
	}
	if s := examined(t, dir); !s.Broken || !strings.Contains(s.Remedy, "remount the file system for writing") {
		t.Error("read-only:", s)
	}
}
