package parquet

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// The tests' user may be root on a roomy disk, so that the errors are made here.
func TestExplain(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		syscall.ENOSPC: "free disk space", syscall.EDQUOT: "free disk space", syscall.EROFS: "mount",
		syscall.EACCES: "let the worker's user write", syscall.EPERM: "let the worker's user write", syscall.EMFILE: "raise the limit",
	} {
		got := explain(&fs.PathError{Op: "write", Path: "x", Err: err})
		if !errors.Is(got, err) || !strings.Contains(got.Error(), want) {
			t.Errorf("explain(%v) = %q; want the error and %q", err, got, want)
		}
	}
	if explain(nil) != nil {
		t.Error("explain(nil) is not nil")
	}
	if got := explain(fs.ErrExist); !errors.Is(got, fs.ErrExist) || got.Error() != fs.ErrExist.Error() {
		t.Errorf("an error without advice became %q", got)
	}
}
