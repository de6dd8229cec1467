package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Limits of the free disk. DuckDB and a compaction of Parquet files need room of their own
// beside the rows.
const (
	scarceShare = 5 // percent
	scarceBytes = 1 << 30
	trialBytes  = 64 << 10
)

// ExamineFolder tries to write into a folder, or into the nearest existing folder
// above, and looks at the free disk. No file stays, also when the process ends meanwhile.
func ExamineFolder(dir string) Sign {
	for {
		_, err := os.Stat(dir)
		if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		break
	}
	if err := tryWrite(dir); err != nil {
		return writeSign(dir, err)
	}
	return diskSign(dir)
}

// tryWrite writes to a file without a name. Free space alone tells nothing about quotas and
// permissions.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	if _, err := f.Write(make([]byte, trialBytes)); err != nil {
		return err
	}
	return f.Sync()
}

// writeSign explains a failed write.
func writeSign(dir string, err error) Sign {
	remedy := "look at the file system of " + dir
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		remedy = "free disk space, or raise the quota: the rows wait in the stream meanwhile"
	case errors.Is(err, syscall.EROFS):
		remedy = "remount the file system for writing"
	case errors.Is(err, fs.ErrPermission):
		remedy = "let the worker's user write to the folder and its files; if cioctl runs as another user, run cioctl doctor as the worker's"
	}
	return Sign{Detail: fmt.Sprintf("folder %s is not writable: %v", dir, cause(err)), Remedy: remedy, Broken: true}
}

// cause removes the name of the temporary file from an error.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func diskSign(dir string) Sign {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		return Well("folder %s is writable", dir) // a file system without figures
	}
	free := uint64(st.Bavail) * uint64(st.Bsize) //nolint:gosec,unconvert // the types differ between systems
	share := 100 * uint64(st.Bavail) / uint64(st.Blocks)
	detail := fmt.Sprintf("folder %s is writable, %.1f GiB free (%d %%)", dir, float64(free)/(1<<30), share)
	if free < scarceBytes || share < scarceShare {
		return Sign{Detail: detail, Remedy: "free disk space before the disk is full: the rows then wait in the stream"}
	}
	return Sign{Detail: detail}
}
