package parquet

import (
	"context"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
)

// write writes the merged file, column by column of each source's row groups.
func (m *merge) write(ctx context.Context, out io.Writer) error {
	w := newWriter(m.fields)
	w.Reset(out)
	keep, size := m.keep, 0
	err := m.eachFile(ctx, func(f *pq.File) error {
		return eachGroup(f, func(g group) error {
			n, err := m.copyGroup(w, g, keep[:g.rows])
			if err != nil {
				return err
			}
			keep, size = keep[g.rows:], size+n
			if size < groupBytes {
				return nil
			}
			size = 0
			return w.Flush()
		})
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// copyGroup copies the rows to keep and returns the size of their texts in bytes.
func (m *merge) copyGroup(w *pq.GenericWriter[any], g group, keep []bool) (size int, err error) {
	for i, column := range w.ColumnWriters() {
		f := m.fields[i]
		n := 0
		if chunk, ok := g.chunks[f.name]; ok {
			n, err = m.copyColumn(column, i, chunk, keep)
		} else {
			err = copyNulls(column, i, keep)
		}
		size += n
		if err != nil {
			return 0, fmt.Errorf("copy column %s: %w", f.name, err)
		}
	}
	return size, nil
}

func (m *merge) copyColumn(w *pq.ColumnWriter, index int, chunk pq.ColumnChunk, keep []bool) (size int, err error) {
	level := 1
	if m.fields[index].node.Required() {
		level = 0
	}
	err = m.batches(chunk, func(values []pq.Value) error {
		kept := values[:0]
		for i, v := range values {
			if !keep[i] {
				continue
			}
			size += textSize(v)
			if v.IsNull() {
				kept = append(kept, v.Level(0, 0, index))
			} else {
				kept = append(kept, v.Level(0, level, index))
			}
		}
		keep = keep[len(values):]
		_, err := w.WriteRowValues(kept)
		return err
	})
	return size, err
}

func copyNulls(w *pq.ColumnWriter, index int, keep []bool) error {
	for _, k := range keep {
		if !k {
			continue
		}
		if _, err := w.WriteRowValues([]pq.Value{pq.NullValue().Level(0, 0, index)}); err != nil {
			return err
		}
	}
	return nil
}
