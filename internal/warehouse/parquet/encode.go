package parquet

import (
	"fmt"
	"io"
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
	columns []warehouse.Column
	writer  *pq.GenericWriter[any]
	chunk   []pq.Value
}

func newEncoder(columns []warehouse.Column) *encoder {
	return &encoder{
		columns: columns,
		writer:  newWriter(fieldsOf(columns)),
		chunk:   make([]pq.Value, 0, chunkRows),
	}
}

// encode writes a file of the rows, column by column. Equal rows in the same order
// make an equal file.
func (e *encoder) encode(out io.Writer, rows []*warehouse.Row) error {
	e.writer.Reset(out)
	for i, w := range e.writer.ColumnWriters() {
		if err := e.column(w, i, rows); err != nil {
			return fmt.Errorf("encode column %s: %w", e.columns[i].Name, err)
		}
	}
	clear(e.chunk[:chunkRows]) // else the chunk keeps the last rows in memory
	return e.writer.Close()
}

func (e *encoder) column(w *pq.ColumnWriter, index int, rows []*warehouse.Row) error {
	value := valueOf(&e.columns[index])
	level := 1 // of a value that is not NULL in a column that may have NULLs
	if e.columns[index].Required {
		level = 0
	}
	null := pq.NullValue().Level(0, 0, index)
	e.chunk = e.chunk[:0]
	size := 0
	for i, r := range rows {
		v := value(r)
		if v.IsNull() {
			v = null
		} else {
			v = v.Level(0, level, index)
			size += textSize(v)
		}
		e.chunk = append(e.chunk, v)
		if len(e.chunk) < chunkRows && size < pageBytes && i < len(rows)-1 {
			continue
		}
		if _, err := w.WriteRowValues(e.chunk); err != nil {
			return err
		}
		e.chunk, size = e.chunk[:0], 0
	}
	return nil
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
