package duckdb

// DuckDB's bindings export all of DuckDB's symbols, for extensions that are loaded at run
// time. We load none. Without the export, a program that links DuckDB is 7 MB smaller, and
// so is its resident memory, because the loader reads the whole table of symbols.

// #cgo linux LDFLAGS: -Wl,--no-export-dynamic
import "C"
