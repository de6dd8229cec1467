package duckdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file without room beside it cannot be copied.
func TestCheckRoom(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newVersions(path).checkRoom(); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	if err := os.Truncate(path, 8<<40); err != nil {
		t.Skip("the file system has no files of 8 TiB")
	}
	if err := newVersions(path).checkRoom(); err == nil || !strings.Contains(err.Error(), "Free disk space") {
		t.Errorf("a file of 8 TiB: %v", err)
	}
}
