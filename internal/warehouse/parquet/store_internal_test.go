package parquet

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Some network file systems have no links. An id is still written, and a second writer
// keeps the id that is there.
func TestStoreIDWithoutLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := createStoreID(dir, func(string, string) error { return syscall.EPERM }); err != nil {
		t.Fatal(err)
	}
	first, err := readStoreID(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("the id is %q, %v", first, err)
	}
	if err := createStoreID(dir, os.Link); err != nil {
		t.Fatal(err)
	}
	if again, err := readStoreID(dir); err != nil || again != first {
		t.Errorf("after a second writer the id is %q, %v; want %q", again, err, first)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, draftPrefix+"*")); len(names) > 0 {
		t.Errorf("drafts are left over: %q", names)
	}
}
