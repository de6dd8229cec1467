package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	pq "github.com/parquet-go/parquet-go"
)

func (m *merge) eachFile(ctx context.Context, do func(*pq.File) error) error {
	for _, path := range m.paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := withFile(path, do); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}

func withFile(path string, do func(*pq.File) error) error {
	f, err := os.Open(path)
	if err != nil {
		return explain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := pq.OpenFile(f, info.Size(), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	return do(file)
}

// A group has the columns of a row group by name.
type group struct {
	rows   int
	chunks map[string]pq.ColumnChunk
}

func eachGroup(ctx context.Context, f *pq.File, do func(group) error) error {
	for _, g := range f.RowGroups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunks := make(map[string]pq.ColumnChunk)
		for i, c := range f.Schema().Fields() {
			chunks[c.Name()] = g.ColumnChunks()[i]
		}
		if err := do(group{int(g.NumRows()), chunks}); err != nil {
			return err
		}
	}
	return nil
}

// values calls do with each value of a column.
func (m *merge) values(g group, name string, do func(int, pq.Value)) error {
	i := 0
	return m.batches(g, name, func(values []pq.Value) error {
		for _, v := range values {
			do(i, v)
			i++
		}
		return nil
	})
}

// batches calls do with the values of a column, up to chunkRows at a time: one value for
// each row. A column that the file lacks is NULL in each row. The values are valid until
// do returns.
func (m *merge) batches(g group, name string, do func([]pq.Value) error) error {
	chunk, ok := g.chunks[name]
	if !ok {
		return m.nullBatches(g.rows, do)
	}
	n := 0
	err := m.chunkBatches(chunk, func(values []pq.Value) error {
		if n += len(values); n > g.rows {
			return nil
		}
		return do(values)
	})
	if err == nil && n != g.rows {
		err = fmt.Errorf("column %s has %d values for %d rows", name, n, g.rows)
	}
	return err
}

func (m *merge) nullBatches(rows int, do func([]pq.Value) error) error {
	for ; rows > 0; rows -= chunkRows {
		nulls := m.buffer[:min(rows, chunkRows)]
		clear(nulls)
		if err := do(nulls); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) chunkBatches(chunk pq.ColumnChunk, do func([]pq.Value) error) error {
	pages := chunk.Pages()
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = m.pageBatches(page, do)
		pq.Release(page)
		if err != nil {
			return err
		}
	}
}

func (m *merge) pageBatches(page pq.Page, do func([]pq.Value) error) error {
	values := page.Values()
	for {
		n, err := values.ReadValues(m.buffer)
		if n > 0 {
			if err := do(m.buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
