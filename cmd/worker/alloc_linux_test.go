package main

import (
	"os"
	"testing"
)

// jemalloc has read the variable that a constructor of this program sets.
func TestOneArena(t *testing.T) {
	t.Parallel()
	if conf, set := os.LookupEnv("DUCKDB_JE_MALLOC_CONF"); set { //nolint:forbidigo // the user's variable wins
		t.Skipf("DUCKDB_JE_MALLOC_CONF is %q", conf)
	}
	if n := bufferArenas(); n != 1 {
		t.Errorf("DuckDB's buffers have %d arenas, want 1", n)
	}
}
