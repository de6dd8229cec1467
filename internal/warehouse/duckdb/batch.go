package duckdb

import (
	"fmt"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A batch shows rows to DuckDB as the table function batch(). DuckDB pulls the
// columns that a query needs straight into its vectors: filling a temporary
// table through an Appender takes 1.5 times as long for the whole insert,
// because every value is boxed and every row is stored twice.
type batch struct {
	rows    []warehouse.Row
	places  []int // of the rows that take part
	columns []warehouse.Column

	mu   sync.Mutex // guards left: DuckDB has threads of its own
	left []int      // the places that no chunk has taken yet
}

// ColumnInfos implements duck.ParallelChunkTableSource.
func (b *batch) ColumnInfos() []duck.ColumnInfo {
	infos := make([]duck.ColumnInfo, len(b.columns))
	for i, c := range b.columns {
		infos[i] = duck.ColumnInfo{Name: c.Name, T: stageTypes[c.Type]}
	}
	return infos
}

// Cardinality lets the optimiser build its hash tables over the batch and never
// over the table of events.
func (b *batch) Cardinality() *duck.CardinalityInfo {
	return &duck.CardinalityInfo{Cardinality: uint(len(b.places)), Exact: true}
}

// Init implements duck.ParallelChunkTableSource.
func (b *batch) Init() duck.ParallelTableSourceInfo { return duck.ParallelTableSourceInfo{} }

// NewLocalState implements duck.ParallelChunkTableSource.
func (b *batch) NewLocalState() any { return nil }

// FillChunk writes the next rows, column by column. DuckDB calls it from its
// own threads.
func (b *batch) FillChunk(_ any, chunk duck.DataChunk) error {
	places := b.take(duck.GetDataChunkCapacity())
	for i := range b.columns {
		if _, err := chunk.GetVector(i); err != nil {
			continue // this query does not read the column
		}
		if err := b.fill(chunk, i, places); err != nil {
			return fmt.Errorf("fill column %s: %w", b.columns[i].Name, err)
		}
	}
	return chunk.SetSize(len(places))
}

// chunkBytes bounds the payloads of one chunk. DuckDB holds a chunk several times
// over, and without memory for a text of it, it ends the process.
const chunkBytes = 1 << 20

// take returns the places of the next chunk.
func (b *batch) take(most int) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := within(b.rows, b.left, most, chunkBytes)
	taken := b.left[:n]
	b.left = b.left[n:]
	return taken
}

// within returns how many of the first places have payloads of no more than this
// size together, but at least one.
func within(rows []warehouse.Row, places []int, most, size int) int {
	most = min(most, len(places))
	for i, place := range places[:most] {
		if size -= len(rows[place].Raw); size < 0 {
			return max(i, 1)
		}
	}
	return most
}

func (b *batch) fill(chunk duck.DataChunk, column int, places []int) error {
	c := &b.columns[column]
	switch c.Type {
	case warehouse.Text, warehouse.JSON:
		return fillWith(b, chunk, column, places, func(r *warehouse.Row) (string, bool) {
			v := c.Text(r)
			return v, v != ""
		})
	case warehouse.Integer:
		return fillWith(b, chunk, column, places, func(r *warehouse.Row) (int64, bool) {
			v := c.Integer(r)
			return v, v != 0
		})
	case warehouse.Boolean:
		return fillWith(b, chunk, column, places, func(r *warehouse.Row) (v, ok bool) {
			flag := c.Boolean(r)
			return flag != nil && *flag, flag != nil
		})
	default:
		return fillWith(b, chunk, column, places, func(r *warehouse.Row) (time.Time, bool) {
			v := c.Time(r)
			return v, !v.IsZero()
		})
	}
}

// fillWith writes one column. The function value returns false for NULL.
func fillWith[T any](b *batch, chunk duck.DataChunk, column int, places []int, value func(*warehouse.Row) (T, bool)) error {
	for i, place := range places {
		v, ok := value(&b.rows[place])
		var err error
		if ok {
			err = duck.SetChunkValue(chunk, column, i, v)
		} else {
			err = duck.SetChunkValue[any](chunk, column, i, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sqlTypes are the types in the table.
var sqlTypes = map[warehouse.Type]string{
	warehouse.Text:      "VARCHAR",
	warehouse.Integer:   "BIGINT",
	warehouse.Boolean:   "BOOLEAN",
	warehouse.Timestamp: "TIMESTAMPTZ",
	warehouse.JSON:      "JSON",
}

// stageTypes are the types in a batch. JSON comes as text, because not every
// text that Go takes for JSON is JSON to DuckDB.
var stageTypes = map[warehouse.Type]duck.TypeInfo{
	warehouse.Text:      typeInfo(duck.TYPE_VARCHAR),
	warehouse.Integer:   typeInfo(duck.TYPE_BIGINT),
	warehouse.Boolean:   typeInfo(duck.TYPE_BOOLEAN),
	warehouse.Timestamp: typeInfo(duck.TYPE_TIMESTAMP_TZ),
	warehouse.JSON:      typeInfo(duck.TYPE_VARCHAR),
}

func typeInfo(t duck.Type) duck.TypeInfo {
	info, err := duck.NewTypeInfo(t)
	if err != nil {
		panic(err) // only for types that need more than their name
	}
	return info
}
