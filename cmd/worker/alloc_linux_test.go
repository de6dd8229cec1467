package main

import "testing"

// jemalloc has read the variable that a constructor of this program sets.
func TestOneHeap(t *testing.T) {
	t.Parallel()
	if n := bufferHeaps(); n != 1 {
		t.Errorf("DuckDB's buffers have %d heaps, want 1", n)
	}
}
