package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// storeFile is the name of the file with the id of the store. Readers of events do not
// look at the top of the folder.
const storeFile = "store-id"

// Store implements warehouse.Identity.
func (s *Sink) Store(ctx context.Context) (store warehouse.Store, err error) {
	if err := ctx.Err(); err != nil {
		return store, fmt.Errorf("read store id: %w", err)
	}
	store.ID, err = readStoreID(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createStoreID(s.dir, os.Link); err == nil {
			store.ID, err = readStoreID(s.dir)
		}
	}
	if err != nil {
		return warehouse.Store{}, explain(fmt.Errorf("read store id: %w", err))
	}
	store.Empty, err = s.empty()
	return store, err
}

func readStoreID(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, storeFile))
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if id == "" {
		return "", fmt.Errorf("%s is empty: delete the file, and a worker writes a new id", filepath.Join(dir, storeFile))
	}
	return id, nil
}

// createStoreID writes a new id unless the folder has an id. A link to a complete file
// fails when the name is taken, so the first writer wins. After a rename, the last
// writer would win, although the first writer has used its id already. On network file
// systems without links, createStoreID has to rename.
func createStoreID(dir string, link func(from, to string) error) error {
	name := func(string) string { return fmt.Sprintf("%s%016x%s", draftPrefix, rand.Uint64(), draftSuffix) }
	draft, err := publish(dir, func(w io.Writer) error {
		_, err := io.WriteString(w, warehouse.NewStoreID()+"\n")
		return err
	}, name)
	if err != nil {
		return err
	}
	from, to := filepath.Join(dir, draft), filepath.Join(dir, storeFile)
	err = link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(from, to)
	} else {
		err = os.Remove(from)
	}
	return errors.Join(err, syncFolder(dir))
}

// empty reports that the folder has no file with rows. Open writes a file without rows.
func (s *Sink) empty() (bool, error) {
	for _, prefix := range []string{batchPrefix, mergedPrefix, firstBatchPrefix, firstMergedPrefix} {
		files, err := fs.Glob(os.DirFS(s.events()), dayPrefix+"*/"+prefix+"*"+fileSuffix)
		if err != nil || len(files) > 0 {
			return false, err
		}
	}
	return true, nil
}
