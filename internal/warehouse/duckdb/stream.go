package duckdb

import (
	"errors"
	"io"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// A stream is the result of a statement that runs. DuckDB computes a few chunks ahead of
// the reader.
type stream struct {
	prepared bindings.PreparedStatement
	result   bindings.Result
	names    []string
	columns  []*column

	chunk     bindings.DataChunk
	row, size int // the next row of the chunk, and the number of the chunk's rows
	loaded    bool
	closed    bool
}

// start runs the statement until the first chunk is there. The stream closes the
// statement.
func (s *session) start(prepared bindings.PreparedStatement) (*stream, error) {
	st := &stream{prepared: prepared}
	var pending bindings.PendingResult
	defer bindings.DestroyPending(&pending)
	// DuckDB calls the function deprecated, and has no other way to stream a result.
	if bindings.PendingPreparedStreaming(prepared, &pending) == bindings.StateError {
		err := errors.New(bindings.PendingError(pending))
		bindings.DestroyPrepare(&prepared)
		return nil, err
	}
	if bindings.ExecutePending(pending, &st.result) == bindings.StateError {
		err := errors.New(bindings.ResultError(&st.result))
		st.close()
		return nil, err
	}
	if err := errors.Join(st.describe(), st.fetch()); err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *stream) describe() error {
	for i := range bindings.ColumnCount(&st.result) {
		t := bindings.ColumnLogicalType(&st.result, i)
		c, err := newColumn(t)
		bindings.DestroyLogicalType(&t)
		name := bindings.ColumnName(&st.result, i)
		if err != nil {
			return errors.Join(errors.New("column "+name), err)
		}
		st.names, st.columns = append(st.names, name), append(st.columns, c)
	}
	return nil
}

// fetch waits for the next chunk. After the last chunk, size is 0.
func (st *stream) fetch() error {
	st.free()
	st.row, st.size = 0, 0
	if bindings.StreamFetchChunk(st.result, &st.chunk) == bindings.StateError {
		if text := bindings.ResultError(&st.result); text != "" {
			return errors.New(text)
		}
		return nil // after the last chunk
	}
	st.loaded, st.size = true, int(bindings.DataChunkGetSize(st.chunk)) //nolint:gosec // 2,048 at most
	for i, c := range st.columns {
		c.load(bindings.DataChunkGetVector(st.chunk, bindings.IdxT(i)))
	}
	return nil
}

// next returns the next row, or io.EOF.
func (st *stream) next() ([]any, error) {
	if st.row == st.size && st.size > 0 {
		if err := st.fetch(); err != nil {
			return nil, err
		}
	}
	if st.size == 0 {
		return nil, io.EOF
	}
	values := make([]any, len(st.columns))
	for i, c := range st.columns {
		values[i] = c.value(st.row)
	}
	st.row++
	return values, nil
}

func (st *stream) free() {
	if st.loaded {
		bindings.DestroyDataChunk(&st.chunk)
		st.loaded = false
	}
}

func (st *stream) close() {
	if st.closed {
		return
	}
	st.closed = true
	st.free()
	bindings.DestroyResult(&st.result)
	bindings.DestroyPrepare(&st.prepared)
}
