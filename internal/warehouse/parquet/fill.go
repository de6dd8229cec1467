package parquet

import (
	"slices"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// erasedAt is the column that an erasure sets.
const erasedAt = "erased_at"

// payload is the column of the body.
const payload = "payload"

// A filler computes the values of the added columns from the payloads of older rows, as
// a worker does for a new row. A payload with half a surrogate pair, which DuckDB does
// not take for JSON, is altered as in a new row.
type filler struct {
	columns []warehouse.Column // payload and the columns after it
	filled  int64              // rows with a readable payload
	skipped int64              // rows that were erased, or whose payload is not an event
}

func newFiller() *filler {
	columns := warehouse.Columns()
	i := slices.IndexFunc(columns, func(c warehouse.Column) bool { return c.Name == payload })
	return &filler{columns: columns[i:]}
}

// values returns the values of the filler's columns in the rows to keep of a group, by
// the column's name and the row's index. A row that was erased has no values, and a
// payload is there only if it is altered.
func (f *filler) values(m *merge, g group, keep []bool) (map[string][]pq.Value, error) {
	erased := make([]bool, g.rows)
	if err := m.values(g, erasedAt, func(i int, v pq.Value) { erased[i] = !v.IsNull() }); err != nil {
		return nil, err
	}
	list := make([][]pq.Value, len(f.columns))
	byName := make(map[string][]pq.Value, len(f.columns))
	for i, c := range f.columns {
		list[i] = make([]pq.Value, g.rows)
		byName[c.Name] = list[i]
	}
	return byName, m.values(g, payload, func(i int, v pq.Value) {
		if !keep[i] {
			return
		}
		var r warehouse.Row
		if erased[i] || r.Parse(v.ByteArray(), warehouse.Origin{}) != nil { // no added column reads the origin
			f.skipped++
			return
		}
		f.filled++
		for j := range f.columns {
			if f.columns[j].Name != payload || r.PayloadAltered != nil {
				list[j][i] = valueOf(&f.columns[j], &r)
			}
		}
	})
}

// filling returns the replacement of NULLs and payloads by the values of a filler.
func filling(name string, filled []pq.Value) replacement {
	if filled == nil {
		return nil
	}
	return func(i int, old pq.Value) pq.Value {
		if !filled[i].IsNull() && (old.IsNull() || name == payload) {
			return filled[i]
		}
		return old
	}
}

// valueOf returns a copy of the column's value.
func valueOf(c *warehouse.Column, r *warehouse.Row) pq.Value {
	var value [1]pq.Value
	fillOf(c, 0)(value[:], []*warehouse.Row{r})
	return value[0].Clone()
}
