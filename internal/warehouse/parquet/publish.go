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

// A draft is a file that is not complete. Readers ignore the name of a draft: DuckDB
// reads *.parquet, and Hive, Spark and BigQuery skip a leading dot or look at the
// ending, too.
const (
	draftPrefix = ".draft-"
	draftSuffix = ".tmp"
)

// sumBytes is the number of bytes of the SHA-256 in a published file's name. An equal
// file gets the same name and replaces itself; different files get different names.
const sumBytes = 16

// publish writes a file into the folder and returns the file's name when the file is
// durable under this name. Readers see the whole file or no file. The function name
// gets the content's checksum in hexadecimal digits.
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

// makeFolder is os.MkdirAll that also syncs each parent, so that a new folder
// survives a crash.
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

// removeDrafts removes drafts that have not changed since olderThan. Their writers
// are dead: a sink writes a file within seconds, and a compaction's draft grows all
// the time.
func removeDrafts(dir string, olderThan time.Time) error {
	root := os.DirFS(dir)
	var names []string
	for _, pattern := range []string{"", "*/", "*/*/"} {
		found, err := fs.Glob(root, pattern+draftPrefix+"*"+draftSuffix)
		if err != nil {
			return fmt.Errorf("list drafts: %w", err)
		}
		names = append(names, found...)
	}
	for _, name := range names {
		info, err := fs.Stat(root, name)
		if err != nil || info.ModTime().After(olderThan) {
			continue // removed meanwhile, or in use
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain(fmt.Errorf("remove draft: %w", err))
		}
	}
	return nil
}

// explain adds advice for the operator to an error of the file system.
func explain(err error) error {
	var advice string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "free disk space; the rows wait in the stream meanwhile"
	case errors.Is(err, syscall.EROFS):
		advice = "remount the file system for writing"
	case errors.Is(err, fs.ErrPermission):
		advice = "let the worker's user write to the folder and all its subfolders"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		advice = "raise the limit on open files"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}
