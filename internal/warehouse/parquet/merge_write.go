package parquet

import (
	"context"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
)

// write writes the merged file, column by column of each source's row groups.
func (m *merge) write(ctx context.Context, out io.Writer) error {
	version := m.version
	if m.fill != nil {
		version = currentVersion
	}
	w := newWriter(m.fields, version)
	w.Reset(out)
	keep, size := m.keep, 0
	err := m.eachFile(ctx, func(f *pq.File) error {
		return eachGroup(ctx, f, func(g group) error {
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
	var filled map[string][]pq.Value
	if m.fill != nil {
		if filled, err = m.fill.values(m, g, keep); err != nil {
			return 0, err
		}
	}
	for i, column := range w.ColumnWriters() {
		name := m.fields[i].name
		n, err := m.copyColumn(column, i, g, keep, filled[name])
		if err != nil {
			return 0, fmt.Errorf("copy column %s: %w", name, err)
		}
		size += n
	}
	return size, nil
}

// copyColumn copies the values of the rows to keep. A value of filled replaces a NULL, or
// a payload; filled is nil for most columns.
func (m *merge) copyColumn(w *pq.ColumnWriter, index int, g group, keep []bool, filled []pq.Value) (size int, err error) {
	level := 1
	if m.fields[index].node.Required() {
		level = 0
	}
	name := m.fields[index].name
	err = m.batches(g, name, func(values []pq.Value) error {
		kept := values[:0]
		for i, v := range values {
			if !keep[i] {
				continue
			}
			if len(filled) > 0 && !filled[i].IsNull() && (v.IsNull() || name == payload) {
				v = filled[i]
			}
			size += textSize(v)
			if v.IsNull() {
				kept = append(kept, v.Level(0, 0, index))
			} else {
				kept = append(kept, v.Level(0, level, index))
			}
		}
		keep = keep[len(values):]
		if filled != nil {
			filled = filled[len(values):]
		}
		_, err := w.WriteRowValues(kept)
		return err
	})
	return size, err
}
