package parquet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// groupBytes is the size of the text after which a row group ends, some 50,000
// usual events. A group is in memory, compressed, until then.
const groupBytes = 32 << 20

// A merge writes one file of the rows of several, each event once: of its rows
// the one that was received first, as the view shows it. It reads the files
// twice, so that it holds no rows.
type merge struct {
	paths  []string
	fields []field // of all files together
	keep   []bool  // by the row's place in all files together
	kept   int64

	received []int64        // by the row's place
	best     map[key]uint32 // the place of the row that is kept of an event
	buffer   []pq.Value
}

// A key is the checksum of an event's workspace and id.
type key [16]byte

func (k key) with(value []byte) key {
	sum := sha256.Sum256(append(k[:], value...))
	return key(sum[:len(k)])
}

// newMerge looks through the files for what to keep.
func newMerge(ctx context.Context, paths []string) (*merge, error) {
	m := &merge{
		paths:  paths,
		fields: fieldsOf(warehouse.Columns()),
		best:   make(map[key]uint32),
		buffer: make([]pq.Value, chunkRows),
	}
	err := m.eachFile(ctx, func(f *pq.File) error {
		m.fields = withFieldsOf(m.fields, f.Schema())
		return eachGroup(f, m.look)
	})
	m.kept = int64(len(m.best))
	m.best, m.received = nil, nil
	return m, err
}

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

// A group is the columns of a row group, by their names.
type group struct {
	rows   int
	chunks map[string]pq.ColumnChunk
}

func eachGroup(f *pq.File, do func(group) error) error {
	for _, g := range f.RowGroups() {
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

// look decides which rows of a group are kept, as far as is known.
func (m *merge) look(g group) error {
	keys := make([]key, g.rows)
	for _, name := range []string{"workspace", "event_id"} {
		err := m.values(g, name, func(i int, v pq.Value) { keys[i] = keys[i].with(v.ByteArray()) })
		if err != nil {
			return err
		}
	}
	return m.values(g, "received_at", func(i int, v pq.Value) { m.add(keys[i], v.Int64()) })
}

func (m *merge) add(k key, received int64) {
	other, repeated := m.best[k]
	better := !repeated || received < m.received[other]
	if better {
		m.best[k] = uint32(len(m.received)) //nolint:gosec // four billion rows of one day would not fit into memory
		if repeated {
			m.keep[other] = false
		}
	}
	m.keep = append(m.keep, better)
	m.received = append(m.received, received)
}

// values calls do with each value of a column that every file has.
func (m *merge) values(g group, name string, do func(int, pq.Value)) error {
	chunk, ok := g.chunks[name]
	if !ok {
		return fmt.Errorf("it has no column %s", name)
	}
	i := 0
	err := m.batches(chunk, func(values []pq.Value) error {
		for _, v := range values {
			do(i, v)
			i++
		}
		return nil
	})
	if err == nil && i != g.rows {
		err = fmt.Errorf("column %s has %d values for %d rows", name, i, g.rows)
	}
	return err
}

// batches calls do with the values of a column, some at a time, which are valid
// until it returns.
func (m *merge) batches(chunk pq.ColumnChunk, do func([]pq.Value) error) error {
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
