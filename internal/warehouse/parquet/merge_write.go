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
	replacements, err := m.replacements(g, keep)
	if err != nil {
		return 0, err
	}
	for i, column := range w.ColumnWriters() {
		name := m.fields[i].name
		n, err := m.copyColumn(column, i, g, keep, replacements(name))
		if err != nil {
			return 0, fmt.Errorf("copy column %s: %w", name, err)
		}
		size += n
	}
	return size, nil
}

// A replacement returns the new value of a column in a row by the row's index and its old
// value.
type replacement func(i int, old pq.Value) pq.Value

// replacements returns the replacements of a group by the names of columns, nil for columns
// that stay as they are. Rows that a revision removes are not kept.
func (m *merge) replacements(g group, keep []bool) (func(name string) replacement, error) {
	switch {
	case m.fill != nil:
		filled, err := m.fill.values(m, g, keep)
		return func(name string) replacement { return filling(name, filled[name]) }, err
	case m.revision != nil:
		changed, err := m.revision.changes(g)
		for i := range changed {
			keep[i] = keep[i] && !m.revision.remove
		}
		return func(name string) replacement { return revising(name, changed) }, err
	default:
		return func(string) replacement { return nil }, nil
	}
}

// copyColumn copies the values of the rows to keep. replace is nil for most columns.
func (m *merge) copyColumn(w *pq.ColumnWriter, index int, g group, keep []bool, replace replacement) (size int, err error) {
	level := 1
	if m.fields[index].node.Required() {
		level = 0
	}
	done := 0
	err = m.batches(g, m.fields[index].name, func(values []pq.Value) error {
		kept := values[:0]
		for i, v := range values {
			if !keep[done+i] {
				continue
			}
			if replace != nil {
				v = replace(done+i, v)
			}
			size += textSize(v)
			if v.IsNull() {
				kept = append(kept, v.Level(0, 0, index))
			} else {
				kept = append(kept, v.Level(0, level, index))
			}
		}
		done += len(values)
		_, err := w.WriteRowValues(kept)
		return err
	})
	return size, err
}
