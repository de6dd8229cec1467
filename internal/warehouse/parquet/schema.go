package parquet

import (
	"slices"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// nodes are the columns' types in a file.
var nodes = map[warehouse.Type]pq.Node{
	warehouse.Text:      pq.Encoded(pq.String(), &pq.RLEDictionary),
	warehouse.Integer:   pq.Encoded(pq.Int(64), &pq.RLEDictionary),
	warehouse.Boolean:   pq.Leaf(pq.BooleanType),
	warehouse.Timestamp: pq.Timestamp(pq.Microsecond), // adjusted to UTC
	// Not pq.JSON(): DuckDB parses a JSON column while reading, and one body that is
	// JSON to Go but not to DuckDB would fail every query.
	warehouse.JSON: pq.String(),
}

// plain are the columns without a dictionary. Nearly all their values differ, so that
// a dictionary would be as large as the values.
var plain = map[string]pq.Node{
	"event_id":        pq.String(),
	"stream_sequence": pq.Int(64),
}

// A field is one column of a file.
type field struct {
	name string
	node pq.Node
}

func fieldsOf(columns []warehouse.Column) []field {
	fields := make([]field, len(columns))
	for i, c := range columns {
		node, ok := plain[c.Name]
		if !ok {
			node = nodes[c.Type]
		}
		if !c.Required {
			node = pq.Optional(node)
		}
		fields[i] = field{c.Name, node}
	}
	return fields
}

// withFieldsOf adds the columns of a file, which another release may have written.
// Columns that this release does not know stay. Columns that the file lacks become
// optional.
func withFieldsOf(fields []field, file *pq.Schema) []field {
	inFile := make(map[string]bool)
	for _, f := range file.Fields() {
		inFile[f.Name()] = true
		if !slices.ContainsFunc(fields, func(g field) bool { return g.name == f.Name() }) {
			fields = append(fields, field{f.Name(), pq.Optional(pq.Leaf(f.Type()))})
		}
	}
	for i, f := range fields {
		if !inFile[f.name] {
			fields[i].node = pq.Optional(f.node)
		}
	}
	return fields
}

// An orderedGroup keeps the order of its fields. A plain pq.Group sorts its fields by
// name.
type orderedGroup struct {
	pq.Group
	fields []pq.Field
}

func (o orderedGroup) Fields() []pq.Field { return o.fields }

func newSchema(fields []field) *pq.Schema {
	group := make(pq.Group, len(fields))
	place := make(map[string]int, len(fields))
	for i, f := range fields {
		group[f.name] = f.node
		place[f.name] = i
	}
	root := orderedGroup{group, group.Fields()}
	slices.SortFunc(root.fields, func(a, b pq.Field) int { return place[a.Name()] - place[b.Name()] })
	return pq.NewSchema(warehouse.Events, root)
}

// newWriter returns a writer of files with the fields. The caller resets the writer
// before each file.
func newWriter(fields []field) *pq.GenericWriter[any] {
	return pq.NewGenericWriter[any](nil, newSchema(fields),
		// 40 % smaller than Snappy and as fast to write. The next level of zstd takes
		// a quarter longer and makes these rows 2 % larger.
		pq.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		pq.PageBufferSize(pageBytes),
		// Bounds would repeat whole bodies in the footer, and nobody filters by payload.
		pq.SkipPageBounds("payload"),
	)
}
