package parquet

import (
	"context"
	"crypto/sha256"
	"fmt"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// groupBytes is the size of the texts after which a row group ends, 32 MiB or some
// 50,000 usual events. A group is in memory, compressed, until its end.
const groupBytes = 32 << 20

// A merge writes the rows of several files into one file, each event once. Of the
// rows of an event, a merge keeps the same row as the view: see rank. A merge reads the
// files twice instead of keeping rows in memory.
type merge struct {
	paths  []string
	fields []field // of all files together
	keep   []bool  // by the row's index in all files together
	kept   int64
	// version is the lowest version of the files.
	version int
	// fill and revision are nil when the rows stay as they are.
	fill     *filler
	revision *revision

	ranks  []rank         // by the row's index
	best   map[key]uint32 // the index of the row to keep of an event
	buffer []pq.Value
}

// A key is the checksum of the values that identify an event. A NULL and "" are equal.
type key [16]byte

func (k key) with(value []byte) key {
	sum := sha256.Sum256(append(k[:], value...))
	return key(sum[:len(k)])
}

// A rank says how good a row of an event is. A row that was erased is better than a row
// with the person's data. Then the row of the newer version is better. Then the row that
// was received first is better.
type rank struct {
	received int64
	version  int32
	erased   bool
}

func (r rank) better(than rank) bool {
	switch {
	case r.erased != than.erased:
		return r.erased
	case r.version != than.version:
		return r.version > than.version
	default:
		return r.received < than.received
	}
}

// newMerge reads the files once and decides which rows to keep.
func newMerge(ctx context.Context, paths []string) (*merge, error) {
	m := &merge{
		paths:   paths,
		fields:  fieldsOf(warehouse.Columns()),
		version: currentVersion,
		best:    make(map[key]uint32),
		buffer:  make([]pq.Value, chunkRows),
	}
	err := m.eachFile(ctx, func(f *pq.File) error {
		version, err := versionOf(f)
		if err != nil {
			return err
		}
		m.version = min(m.version, version)
		if m.fields, err = withFieldsOf(m.fields, f.Schema()); err != nil {
			return err
		}
		return eachGroup(ctx, f, m.look)
	})
	m.kept = int64(len(m.best))
	m.best, m.ranks = nil, nil
	return m, err
}

// look decides which rows of a group to keep. A later group may change the decision.
func (m *merge) look(g group) error {
	for _, name := range []string{"workspace", "event_id", "received_at"} {
		if g.chunks[name] == nil {
			return fmt.Errorf("file has no column %s", name)
		}
	}
	keys, ranks := make([]key, g.rows), make([]rank, g.rows)
	for name, do := range map[string]func(int, pq.Value){
		"received_at": func(i int, v pq.Value) { ranks[i].received = v.Int64() },
		erasedAt:      func(i int, v pq.Value) { ranks[i].erased = !v.IsNull() },
		versionColumn: func(i int, v pq.Value) { ranks[i].version = int32(v.Int64()) }, //nolint:gosec // counts releases
	} {
		if err := m.values(g, name, do); err != nil {
			return err
		}
	}
	for _, name := range keyColumns {
		if err := m.values(g, name, func(i int, v pq.Value) { keys[i] = keys[i].with(v.ByteArray()) }); err != nil {
			return err
		}
	}
	for i := range g.rows {
		m.add(keys[i], ranks[i])
	}
	return nil
}

func (m *merge) add(k key, r rank) {
	other, repeated := m.best[k]
	better := !repeated || r.better(m.ranks[other])
	if better {
		m.best[k] = uint32(len(m.ranks)) //nolint:gosec // four billion rows of a day do not fit into memory
		if repeated {
			m.keep[other] = false
		}
	}
	m.keep = append(m.keep, better)
	m.ranks = append(m.ranks, r)
}
