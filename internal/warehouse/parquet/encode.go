package parquet

import (
	"fmt"
	"io"
	"slices"
	"unsafe"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A page of a column ends with the chunk of values that brings the page to pageBytes.
// A chunk ends early when the chunk alone has pageBytes. So a page stays far below
// the format's limit of 2 GiB, however long the values are.
const (
	pageBytes = 1 << 20
	chunkRows = 1024
)

// An encoder writes files one after the other, and reuses its buffers.
type encoder struct {
	outputs []output
	writer  *pq.GenericWriter[any]
	chunk   []pq.Value
}

// An output is a column of a file.
type output struct {
	name string
	fill fill
}

// A fill sets the values of a column in a chunk of NULLs. A fill returns the number of
// rows that it has read: all rows, unless their texts have pageBytes before.
type fill func(chunk []pq.Value, rows []*warehouse.Row) int

func newEncoder(columns []warehouse.Column) *encoder {
	e := &encoder{
		writer: newWriter(fieldsOf(columns), currentVersion),
		chunk:  make([]pq.Value, chunkRows),
	}
	for i := range columns {
		e.outputs = append(e.outputs, output{columns[i].Name, fillOf(&columns[i], i)})
	}
	index := len(columns)
	version := fillNumbers(0, index, func(*warehouse.Row) (pq.Value, bool) { return pq.Int64Value(currentVersion), true })
	e.outputs = append(e.outputs, output{versionColumn, version})
	return e
}

// encode writes a file of the rows. Equal rows in the same order make an equal file.
func (e *encoder) encode(out io.Writer, rows []*warehouse.Row) error {
	e.writer.Reset(out)
	writers := e.writer.ColumnWriters()
	for block := range slices.Chunk(rows, chunkRows) { // rows stay in the processor's cache
		for i, w := range writers {
			if err := e.column(w, e.outputs[i].fill, block); err != nil {
				return fmt.Errorf("encode column %s: %w", e.outputs[i].name, err)
			}
		}
	}
	clear(e.chunk) // else the chunk keeps the last rows in memory
	return e.writer.Close()
}

func (e *encoder) column(w *pq.ColumnWriter, f fill, rows []*warehouse.Row) error {
	for len(rows) > 0 {
		chunk := e.chunk[:len(rows)]
		clear(chunk)
		n := f(chunk, rows)
		if _, err := w.WriteRowValues(chunk[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// fillOf returns the fill of the column with the index.
func fillOf(c *warehouse.Column, index int) fill {
	level := 1 // of a value that is not NULL in a column that may have NULLs
	if c.Required {
		level = 0
	}
	switch c.Type {
	case warehouse.Integer:
		return fillNumbers(level, index, func(r *warehouse.Row) (pq.Value, bool) {
			v := c.Integer(r)
			return pq.Int64Value(v), v != 0
		})
	case warehouse.Boolean:
		return fillNumbers(level, index, func(r *warehouse.Row) (pq.Value, bool) {
			v := c.Boolean(r)
			return pq.BooleanValue(v != nil && *v), v != nil
		})
	case warehouse.Timestamp:
		return fillNumbers(level, index, func(r *warehouse.Row) (pq.Value, bool) {
			v := c.Time(r)
			return pq.Int64Value(v.UnixMicro()), !v.IsZero()
		})
	default:
		return fillTexts(c, level, index)
	}
}

// fillNumbers takes a function that returns a value, or false for NULL.
func fillNumbers(level, index int, value func(*warehouse.Row) (pq.Value, bool)) fill {
	return func(chunk []pq.Value, rows []*warehouse.Row) int {
		for i, r := range rows {
			if v, ok := value(r); ok {
				chunk[i] = v.Level(0, level, index)
			}
		}
		return len(rows)
	}
}

func fillTexts(c *warehouse.Column, level, index int) fill {
	return func(chunk []pq.Value, rows []*warehouse.Row) int {
		size := 0
		for i, r := range rows {
			v := c.Text(r)
			if v == "" {
				continue
			}
			chunk[i] = pq.ByteArrayValue(unsafe.Slice(unsafe.StringData(v), len(v))).Level(0, level, index)
			if size += len(v); size >= pageBytes {
				return i + 1
			}
		}
		return len(rows)
	}
}

// textSize returns the length of a text in bytes, and 0 for other values.
func textSize(v pq.Value) int {
	if v.Kind() != pq.ByteArray {
		return 0
	}
	return len(v.ByteArray())
}
