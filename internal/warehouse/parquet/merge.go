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

// groupBytes is the size of the texts after which a row group ends, 32 MiB or some
// 50,000 usual events. A group is in memory, compressed, until its end.
const groupBytes = 32 << 20

// A merge writes the rows of several files into one file, each event once. Of the
// rows of an event, a merge keeps the row that was received first, as the view does.
// A merge reads the files twice instead of keeping rows in memory.
type merge struct {
	paths  []string
	fields []field // of all files together
	keep   []bool  // by the row's index in all files together
	kept   int64

	received []int64        // by the row's index
	best     map[key]uint32 // the index of the row to keep of an event
	buffer   []pq.Value
}

// A key is the checksum of an event's workspace and id.
type key [16]byte

func (k key) with(value []byte) key {
	sum := sha256.Sum256(append(k[:], value...))
	return key(sum[:len(k)])
}

// newMerge reads the files once and decides which rows to keep.
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

// A group has the columns of a row group by name.
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

// look decides which rows of a group to keep. A later group may change the decision.
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
		m.best[k] = uint32(len(m.received)) //nolint:gosec // four billion rows of a day do not fit into memory
		if repeated {
			m.keep[other] = false
		}
	}
	m.keep = append(m.keep, better)
	m.received = append(m.received, received)
}

// values calls do with each value of a required column, which every file has.
func (m *merge) values(g group, name string, do func(int, pq.Value)) error {
	chunk, ok := g.chunks[name]
	if !ok {
		return fmt.Errorf("file has no column %s", name)
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

// batches calls do with the values of a column, up to chunkRows at a time. The values
// are valid until do returns.
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
