package parquet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A draft is a file that is still being written. Its name keeps readers away:
// DuckDB looks for *.parquet, and Hive, Spark and BigQuery pass over a leading
// dot or look for the ending, too.
const (
	draftPrefix = ".draft-"
	draftSuffix = ".tmp"
)

// A published file's name ends with so many bytes of its SHA-256: an equal file
// takes the place of itself, and different ones never meet.
const sumBytes = 16

// publish writes a file into the folder and returns its name when it is durable
// under it. Readers see the whole file or none. The name is a function of the
// content's checksum in hexadecimal digits.
func publish(folder string, write func(io.Writer) error, name func(sum string) string) (string, error) {
	path := filepath.Join(folder, fmt.Sprintf("%s%016x%s", draftPrefix, rand.Uint64(), draftSuffix))
	draft, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640) //nolint:gosec // analysts read the files through their group
	if err != nil {
		return "", explain(fmt.Errorf("create file: %w", err))
	}
	sum := sha256.New()
	err = write(io.MultiWriter(draft, sum))
	if err == nil {
		err = draft.Sync()
	}
	err = errors.Join(err, draft.Close())
	published := name(hex.EncodeToString(sum.Sum(nil)[:sumBytes]))
	if err == nil {
		err = os.Rename(path, filepath.Join(folder, published))
	}
	if err != nil {
		return "", explain(fmt.Errorf("write file in %s: %w", folder, errors.Join(err, os.Remove(path))))
	}
	return published, syncFolder(folder)
}

// makeFolder makes the folder, and those above it that are missing, and is
// nothing to say against when it exists.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o750)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o750)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return explain(fmt.Errorf("create folder: %w", err))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the folder's list of files durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return explain(fmt.Errorf("open folder: %w", err))
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return explain(fmt.Errorf("sync folder %s: %w", path, err))
	}
	return nil
}

// removeDrafts removes the drafts of dead writers: a living one takes seconds
// for a file, and a compaction's draft grows all the time.
func removeDrafts(dir string, olderThan time.Time) error {
	root := os.DirFS(dir)
	var names []string
	for _, pattern := range []string{"", "*/", "*/*/"} {
		found, err := fs.Glob(root, pattern+draftPrefix+"*"+draftSuffix)
		if err != nil {
			return fmt.Errorf("look for drafts: %w", err)
		}
		names = append(names, found...)
	}
	for _, name := range names {
		info, err := fs.Stat(root, name)
		if err != nil || info.ModTime().After(olderThan) {
			continue // gone, or in use
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain(fmt.Errorf("remove draft: %w", err))
		}
	}
	return nil
}

// explain adds to an error of the file system what an operator can do.
func explain(err error) error {
	var advice string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "make room on the disk; the rows wait in the stream meanwhile"
	case errors.Is(err, syscall.EROFS):
		advice = "mount the file system for writing"
	case errors.Is(err, fs.ErrPermission):
		advice = "let the worker's user write to the folder and all folders in it"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		advice = "raise the limit of open files"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}
