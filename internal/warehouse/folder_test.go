package warehouse_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

const limited = "CIOEVENTS_TEST_FOLDER"

// TestMain lets the test binary be another process, whose files may have 1 KiB.
func TestMain(m *testing.M) {
	dir := os.Getenv(limited) //nolint:forbidigo // set by the test
	if dir == "" {
		os.Exit(m.Run()) //nolint:forbidigo // as package testing does
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 10, Max: 1 << 10}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(warehouse.ExamineFolder(dir))
}

// examined returns the sign of a folder, which must not have changed.
func examined(t *testing.T, dir string) warehouse.Sign {
	t.Helper()
	sign := warehouse.ExamineFolder(dir)
	if files, err := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("files stay: %v, %v", files, err)
	}
	return sign
}

func TestExamineFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if s := examined(t, dir); s.Broken || !strings.Contains(s.Detail, dir+" is writable, ") || !strings.Contains(s.Detail, " GiB free (") {
		t.Error(s)
	}
	missing := filepath.Join(dir, "a", "b")
	if s := examined(t, missing); s.Broken || !strings.Contains(s.Detail, "folder "+dir+" is writable") {
		t.Error(s)
	}
}

// A file may not grow: the quota of a user, for instance.
func TestExamineFolderWithALimit(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(cmd.Environ(), limited+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "is not writable: file too large free disk space, or raise the quota") {
		t.Errorf("%v: %s", err, out)
	}
}
