package main

// DuckDB allocates its buffers with jemalloc, other memory with the C library. Both allocators
// have several arenas and give each thread one of them, and an arena keeps freed memory for
// its threads. Go calls DuckDB on any thread, so that each arena comes to keep the memory of
// a batch, although a worker is in DuckDB with one thread at a time. With one arena each, a
// worker that fills DuckDB has some 60 MiB less resident, at the same rate.
//
// jemalloc reads its variable, whose name begins with DUCKDB_ in DuckDB, before main: see
// "TUNING" at https://jemalloc.net/jemalloc.3.html, and mallopt(3) for the C library.
// DUCKDB_JE_MALLOC_CONF, MALLOC_ARENA_MAX and GLIBC_TUNABLES of the user win.

/*
#include <malloc.h>
#include <stdlib.h>

// Constructors with smaller numbers run earlier. GCC reserves 0 to 100.
__attribute__((constructor(101))) static void useOneArena(void) {
	setenv("DUCKDB_JE_MALLOC_CONF", "narenas:1", 0);
#ifdef __GLIBC__
	if (!getenv("MALLOC_ARENA_MAX") && !getenv("GLIBC_TUNABLES")) mallopt(M_ARENA_MAX, 1);
#endif
}

extern int duckdb_je_mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

static unsigned bufferArenas(void) {
	unsigned n = 0;
	size_t size = sizeof n;
	if (duckdb_je_mallctl) duckdb_je_mallctl("opt.narenas", &n, &size, NULL, 0);
	return n;
}
*/
import "C"

// bufferArenas returns the number of jemalloc's arenas, 0 if DuckDB has no jemalloc. It is for
// the test, which cannot call C.
func bufferArenas() int { return int(C.bufferArenas()) }
