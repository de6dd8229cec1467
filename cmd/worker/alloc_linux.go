package main

// DuckDB has its buffers from jemalloc and other memory from the C library. Both give threads
// heaps of their own, and a heap keeps freed memory for its threads. Go calls DuckDB on any
// thread, so that each heap comes to keep the memory of a batch, although a worker is in
// DuckDB with one thread at a time. With one heap of each kind, a worker that fills DuckDB
// has some 70 MiB less resident, at the same rate.
//
// jemalloc reads its variable, whose name begins with DUCKDB_ in DuckDB, before main: see
// "TUNING" at https://jemalloc.net/jemalloc.3.html, and mallopt(3) for the C library. The
// user's variables win.

/*
#include <malloc.h>
#include <stdlib.h>

// Constructors with smaller numbers run earlier. 0 to 100 are the compiler's own.
__attribute__((constructor(101))) static void useOneHeap(void) {
	setenv("DUCKDB_JE_MALLOC_CONF", "narenas:1", 0);
#ifdef __GLIBC__
	if (!getenv("MALLOC_ARENA_MAX")) mallopt(M_ARENA_MAX, 1);
#endif
}

extern int duckdb_je_mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

static unsigned bufferHeaps(void) {
	unsigned n = 0;
	size_t size = sizeof n;
	if (duckdb_je_mallctl) duckdb_je_mallctl("opt.narenas", &n, &size, NULL, 0);
	return n;
}
*/
import "C"

// bufferHeaps returns the number of jemalloc's heaps, 0 if DuckDB has no jemalloc.
func bufferHeaps() int { return int(C.bufferHeaps()) }
