package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Reader runs queries on a database file or on a folder of Parquet files. It implements
// warehouse.Reader.
//
// DuckDB itself protects the warehouse: the file is open for reading only, DuckDB opens
// no other file, no network and no extension, and a query cannot change these settings.
type Reader struct {
	lease *lease // nil for a folder
	path  string // of the database, "" for one in memory
	dir   string // the folder that queries may read, "" for none
	setup string // the statements of a new session
	// threads is DuckDB's number of threads within the first limit, 0 for 1.
	threads int

	session atomic.Pointer[session] // for interrupts; nil when closed
	mu      sync.Mutex              // guards the fields below, and is held while DuckDB computes
	limit   int                     // index of the present limit in limits
	stream  *stream                 // of the present query
	scratch string                  // the folder for temporary files, "" for none
}

// limits are the limits of DuckDB's buffers, which a reader tries one after the other.
//
// DuckDB keeps the blocks of a database in its buffers until the limit is reached. So the
// first limit bounds the memory of a query without a sort, however many rows the query
// returns: a block for each of 48 columns takes 12 MiB, and a second thread would take as
// much. A folder has no such blocks, but its view groups all events by their hashes: 64 MB
// suffice for 200,000 events. A query with a sort or many groups fails at once, because
// temporary files are off, and starts again with the second limit and temporary files. The
// third limit lets a report of 50 million rows take 4 GB, where DuckDB's default, the last
// limit, lets it take 13 GB and is up to a third quicker. Other programs need the memory, too.
func (r *Reader) limits() []string {
	if r.dir != "" {
		return []string{"64MB", "512MB", "2GB", "80%"}
	}
	return []string{"16MB", "512MB", "2GB", "80%"}
}

// withinDefault returns the statement that lowers DuckDB's default to the limit. The default
// is 80 % of the memory of the machine or of the container. On a small machine the default
// stays, because the kernel would kill a program that takes more.
func withinDefault(limit string) string {
	return "SET memory_limit = CASE WHEN parse_formatted_bytes(current_setting('memory_limit')) > parse_formatted_bytes('" + limit + "')" +
		" THEN '" + limit + "' ELSE current_setting('memory_limit') END;"
}

// lastLimit reports whether no limit is left to try.
func (r *Reader) lastLimit() bool { return r.limit == len(r.limits())-1 }

func newReader(ctx context.Context, r *Reader) (*Reader, error) {
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open opens a session with the present limit, or a higher one: DuckDB reads the log that
// a killed worker left into memory.
func (r *Reader) open(ctx context.Context) error {
	for {
		err := r.openWithLimit(ctx)
		if err == nil || !outOfMemory(err) || r.lastLimit() {
			return err
		}
		if s := r.session.Swap(nil); s != nil { // the setup of the views needs more memory
			s.close()
		}
		r.limit++
	}
}

func (r *Reader) openWithLimit(ctx context.Context) error {
	options := map[string]string{
		"temp_directory": "",
		// The allocator returns freed memory at once, not at 512 MB: 15 MiB for a folder.
		"allocator_bulk_deallocation_flush_threshold": "1MB",
	}
	prepare := "SET TimeZone = 'UTC';"
	switch limit := r.limits()[r.limit]; {
	case r.lastLimit(): // DuckDB's default; DuckDB refuses a share of the memory here
	case r.limit == len(r.limits())-2: // a small machine may have less
		prepare += withinDefault(limit)
	default:
		options["memory_limit"] = limit
	}
	if r.path != "" {
		options["access_mode"] = "READ_ONLY"
	}
	switch {
	case r.limit == 0:
		options["threads"] = strconv.Itoa(max(r.threads, 1))
	case r.scratch == "":
		// Without temporary files, large queries need the last limit.
		r.scratch, _ = os.MkdirTemp(r.scratchPlace(), ".query-*")
		fallthrough
	default:
		options["temp_directory"] = r.scratch
	}
	var s *session
	err := whenFree(ctx, zerolog.Nop(), func() (err error) {
		s, err = openSession(r.path, options)
		return err
	})
	if err != nil {
		return err
	}
	r.session.Store(s)
	if err := s.exec(prepare + r.setup); err != nil {
		return fmt.Errorf("prepare DuckDB for queries: %w", err)
	}
	return s.exec(r.locks())
}

// scratchPlace returns the folder of the database, which must be writable for the lease,
// or "" for the system's folder of temporary files.
func (r *Reader) scratchPlace() string {
	if r.path == "" {
		return ""
	}
	return filepath.Dir(r.path)
}

// locks returns the statements after which no query can reach other files.
func (r *Reader) locks() string {
	allow := ""
	if r.dir != "" {
		allow = "SET allowed_directories = [" + literal(r.dir) + "];"
	}
	return allow + "SET enable_external_access = false; SET lock_configuration = true;"
}

func literal(text string) string { return warehouse.DuckDBSQL.Literal(text) }

// statements are the types of statements that a query may be. In a folder, where DuckDB
// cannot tell reading from writing, EXPLAIN ANALYZE could run a COPY.
func (r *Reader) statements() []bindings.StatementType {
	if r.dir != "" {
		return []bindings.StatementType{bindings.StatementTypeSelect}
	}
	return []bindings.StatementType{bindings.StatementTypeSelect, bindings.StatementTypeExplain}
}

// Query implements warehouse.Reader.
func (r *Reader) Query(ctx context.Context, statement string) (*warehouse.Rows, error) {
	if showTables.MatchString(statement) {
		statement = listTables
	}
	stop := context.AfterFunc(ctx, r.abort)
	st, err := r.start(ctx, statement)
	if err != nil {
		stop()
		return nil, err
	}
	each := func(yield func([]any, error) bool) {
		defer stop()
		defer r.end(st)
		for {
			row, err := r.next(ctx, st)
			if errors.Is(err, io.EOF) || !yield(row, err) || err != nil {
				return
			}
		}
	}
	return &warehouse.Rows{Columns: st.names, Each: each}, nil
}

// start runs the statement until the first rows are there, and raises the limit until
// the memory suffices.
func (r *Reader) start(ctx context.Context, statement string) (*stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		r.endStream()
		s := r.session.Load()
		if s == nil {
			return nil, r.explain(ctx, nil, errClosed)
		}
		prepared, err := s.prepare(statement, r.statements()...)
		if err == nil {
			r.stream, err = s.start(prepared)
		}
		if err == nil {
			return r.stream, nil
		}
		if !outOfMemory(err) || r.lastLimit() {
			return nil, r.explain(ctx, s, err)
		}
		r.limit++
		s.close()
		if err := r.open(ctx); err != nil {
			return nil, r.explain(ctx, nil, err)
		}
	}
}

func (r *Reader) next(ctx context.Context, st *stream) ([]any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.closed {
		return nil, r.explain(ctx, nil, errClosed)
	}
	row, err := st.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.explain(ctx, r.session.Load(), err)
	}
	return row, err
}

// end ends the rows of a query.
func (r *Reader) end(st *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st.close()
}

func (r *Reader) endStream() {
	if r.stream != nil {
		r.stream.close()
		r.stream = nil
	}
}

// abort interrupts the query and closes the reader.
func (r *Reader) abort() {
	for !r.mu.TryLock() {
		if s := r.session.Load(); s != nil {
			s.interrupt() // again until the query notices: DuckDB forgets an interrupt before a query
		}
		_ = pause(context.Background())
	}
	defer r.mu.Unlock()
	r.close()
}

// Close implements warehouse.Reader.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.close()
}

func (r *Reader) close() error {
	r.endStream()
	if s := r.session.Swap(nil); s != nil {
		s.close()
	}
	if r.lease != nil {
		r.lease.release()
	}
	if r.scratch == "" {
		return nil
	}
	return os.RemoveAll(r.scratch)
}
