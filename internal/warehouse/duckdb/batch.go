package duckdb

import (
	"fmt"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A batch is the source of the table function cioevents_batch. DuckDB reads the
// columns that a query needs straight into its vectors. The alternative, an Appender
// into a temporary table, takes 1.5 times as long for the whole insert: every value
// is boxed and every row is stored twice.
type batch struct {
	rows    []warehouse.Row
	indexes []int // of the rows to store
	columns []warehouse.Column

	mu   sync.Mutex // guards left: DuckDB has threads of its own
	left []int      // the indexes of the rows that are in no chunk yet
}

// ColumnInfos implements duck.ParallelChunkTableSource.
func (b *batch) ColumnInfos() []duck.ColumnInfo {
	infos := make([]duck.ColumnInfo, len(b.columns))
	for i, c := range b.columns {
		infos[i] = duck.ColumnInfo{Name: c.Name, T: stageTypes[c.Type]}
	}
	return infos
}

// Cardinality tells the optimiser the number of rows, so that the optimiser builds
// hash tables over the batch and never over the table of events.
func (b *batch) Cardinality() *duck.CardinalityInfo {
	return &duck.CardinalityInfo{Cardinality: uint(len(b.indexes)), Exact: true}
}

// Init implements duck.ParallelChunkTableSource.
func (b *batch) Init() duck.ParallelTableSourceInfo { return duck.ParallelTableSourceInfo{} }

// NewLocalState implements duck.ParallelChunkTableSource.
func (b *batch) NewLocalState() any { return nil }

// FillChunk writes the next rows, column by column. DuckDB calls FillChunk from
// threads of its own.
func (b *batch) FillChunk(_ any, chunk duck.DataChunk) error {
	indexes := b.take(duck.GetDataChunkCapacity())
	for i := range b.columns {
		if _, err := chunk.GetVector(i); err != nil {
			continue // the query does not read the column
		}
		if err := b.fill(chunk, i, indexes); err != nil {
			return fmt.Errorf("fill column %s: %w", b.columns[i].Name, err)
		}
	}
	return chunk.SetSize(len(indexes))
}

// chunkBytes bounds the payloads of one chunk, 1 MiB. DuckDB has several copies of a
// chunk in memory, and ends the process when the memory for a text is missing.
const chunkBytes = 1 << 20

// take returns the indexes of the rows of the next chunk.
func (b *batch) take(most int) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := fitting(b.rows, b.left, most, chunkBytes)
	taken := b.left[:n]
	b.left = b.left[n:]
	return taken
}

// fitting returns the number of rows, from the first index on, whose payloads
// together have at most size bytes. The number is at least 1 and at most most.
func fitting(rows []warehouse.Row, indexes []int, most, size int) int {
	most = min(most, len(indexes))
	for i, index := range indexes[:most] {
		if size -= len(rows[index].Raw); size < 0 {
			return max(i, 1)
		}
	}
	return most
}

func (b *batch) fill(chunk duck.DataChunk, column int, indexes []int) error {
	c := &b.columns[column]
	switch c.Type {
	case warehouse.Text, warehouse.JSON:
		return fillWith(b, chunk, column, indexes, func(r *warehouse.Row) (string, bool) {
			v := c.Text(r)
			return v, v != ""
		})
	case warehouse.Integer:
		return fillWith(b, chunk, column, indexes, func(r *warehouse.Row) (int64, bool) {
			v := c.Integer(r)
			return v, v != 0
		})
	case warehouse.Boolean:
		return fillWith(b, chunk, column, indexes, func(r *warehouse.Row) (v, ok bool) {
			flag := c.Boolean(r)
			return flag != nil && *flag, flag != nil
		})
	default:
		return fillWith(b, chunk, column, indexes, func(r *warehouse.Row) (time.Time, bool) {
			v := c.Time(r)
			return v, !v.IsZero()
		})
	}
}

// fillWith writes one column. The function value returns false for NULL.
func fillWith[T any](b *batch, chunk duck.DataChunk, column int, indexes []int, value func(*warehouse.Row) (T, bool)) error {
	for i, index := range indexes {
		v, ok := value(&b.rows[index])
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

// sqlTypes are the types of the table's columns.
var sqlTypes = map[warehouse.Type]string{
	warehouse.Text:      "VARCHAR",
	warehouse.Integer:   "BIGINT",
	warehouse.Boolean:   "BOOLEAN",
	warehouse.Timestamp: "TIMESTAMPTZ",
	warehouse.JSON:      "JSON",
	warehouse.Date:      "DATE", // of the rollup
}

// stageTypes are the types of a batch's columns. JSON is a text in a batch, because
// DuckDB refuses some texts that are JSON to Go.
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
