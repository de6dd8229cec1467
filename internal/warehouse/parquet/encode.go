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

// blockRows is the number of rows whose columns are encoded one after the other. The
// rows of a block, some 1 kB each, stay in the processor's cache meanwhile.
const blockRows = 1024

// An encoder writes files one after the other, and reuses its buffers.
type encoder struct {
	outputs []output
	writer  *pq.GenericWriter[any]
	chunk   []pq.Value
}

// An output is a column of a file.
type output struct {
	name  string
	level int // of a value that is not NULL: 1 in a column that may have NULLs, else 0
	value func(*warehouse.Row) pq.Value
}

func newEncoder(columns []warehouse.Column) *encoder {
	e := &encoder{
		writer: newWriter(fieldsOf(columns), currentVersion),
		chunk:  make([]pq.Value, blockRows),
	}
	for i := range columns {
		c := &columns[i]
		o := output{name: c.Name, level: 1, value: valueOf(c)}
		if c.Required {
			o.level = 0
		}
		e.outputs = append(e.outputs, o)
	}
	version := func(*warehouse.Row) pq.Value { return pq.Int64Value(currentVersion) }
	e.outputs = append(e.outputs, output{name: versionColumn, value: version})
	return e
}

// encode writes a file of the rows. Equal rows in the same order make an equal file.
func (e *encoder) encode(out io.Writer, rows []*warehouse.Row) error {
	e.writer.Reset(out)
	writers := e.writer.ColumnWriters()
	for block := range slices.Chunk(rows, blockRows) {
		for i, w := range writers {
			if err := e.column(w, i, block); err != nil {
				return fmt.Errorf("encode column %s: %w", e.outputs[i].name, err)
			}
		}
	}
	clear(e.chunk) // else the chunk keeps the last rows in memory
	return e.writer.Close()
}

func (e *encoder) column(w *pq.ColumnWriter, index int, rows []*warehouse.Row) error {
	o := &e.outputs[index]
	chunk := e.chunk[:len(rows)]
	clear(chunk) // to NULLs, which most values are
	first, size := 0, 0
	for i, r := range rows {
		v := o.value(r)
		if v.IsNull() {
			continue
		}
		chunk[i] = v.Level(0, o.level, index)
		if size += textSize(v); size < pageBytes {
			continue
		}
		if _, err := w.WriteRowValues(chunk[first : i+1]); err != nil {
			return err
		}
		first, size = i+1, 0
	}
	_, err := w.WriteRowValues(chunk[first:])
	return err
}

// valueOf returns a function that reads the column's value from a row.
func valueOf(c *warehouse.Column) func(*warehouse.Row) pq.Value {
	switch c.Type {
	case warehouse.Integer:
		return func(r *warehouse.Row) pq.Value {
			if v := c.Integer(r); v != 0 {
				return pq.Int64Value(v)
			}
			return pq.NullValue()
		}
	case warehouse.Boolean:
		return func(r *warehouse.Row) pq.Value {
			if v := c.Boolean(r); v != nil {
				return pq.BooleanValue(*v)
			}
			return pq.NullValue()
		}
	case warehouse.Timestamp:
		return func(r *warehouse.Row) pq.Value {
			if v := c.Time(r); !v.IsZero() {
				return pq.Int64Value(v.UnixMicro())
			}
			return pq.NullValue()
		}
	default:
		return func(r *warehouse.Row) pq.Value {
			if v := c.Text(r); v != "" {
				return pq.ByteArrayValue(unsafe.Slice(unsafe.StringData(v), len(v)))
			}
			return pq.NullValue()
		}
	}
}

// textSize returns the length of a text in bytes, and 0 for other values.
func textSize(v pq.Value) int {
	if v.Kind() != pq.ByteArray {
		return 0
	}
	return len(v.ByteArray())
}
