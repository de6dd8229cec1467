package parquet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	warehouse.Date: pq.Date(), // of the rollup
}

// plain are the columns without a dictionary. Nearly all their values differ within a
// batch, so that a dictionary would be as large as the values and take longer.
var plain = map[string]pq.Node{
	"event_id":         pq.String(),
	"delivery_id":      pq.String(),
	"customer_id":      pq.String(),
	"cio_id":           pq.String(),
	"recipient":        pq.String(),
	"email_address":    pq.String(),
	"identifier_email": pq.String(),
	"stream_sequence":  pq.Int(64),
}

// A field is one column of a file.
type field struct {
	name string
	node pq.Node
}

// fieldsOf returns the columns of a file: columns, and versionColumn after them.
func fieldsOf(columns []warehouse.Column) []field {
	return append(columnFields(columns), field{versionColumn, nodes[warehouse.Integer]})
}

func columnFields(columns []warehouse.Column) []field {
	fields := make([]field, len(columns), len(columns)+1)
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
// optional. The error is about a column that a merge cannot copy.
func withFieldsOf(fields []field, file *pq.Schema) ([]field, error) {
	inFile := make(map[string]pq.Field)
	for _, f := range file.Fields() {
		if !f.Leaf() || f.Repeated() {
			return nil, fmt.Errorf("column %s has lists or fields of its own, which this version of cioctl cannot copy: upgrade cioctl", f.Name())
		}
		inFile[f.Name()] = f
		if !slices.ContainsFunc(fields, func(g field) bool { return g.name == f.Name() }) {
			fields = append(fields, field{f.Name(), pq.Optional(pq.Leaf(f.Type()))})
		}
	}
	for i, f := range fields {
		in, ok := inFile[f.name]
		if ok && !sameType(in.Type(), f.node.Type()) {
			return nil, fmt.Errorf("column %s has the type %s, want %s: upgrade cioctl, or move the file away if another program has written it", f.name, in.Type(), f.node.Type())
		}
		if (!ok || in.Optional()) && !f.node.Optional() {
			fields[i].node = pq.Optional(f.node)
		}
	}
	return fields, nil
}

// sameType reports whether values of a can be copied to a column of type b. Texts of
// all logical types can. Numbers can mean the times of several units.
func sameType(a, b pq.Type) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	return a.Kind() == pq.ByteArray || isTime(a) == isTime(b) && (!isTime(a) || a.String() == b.String())
}

func isTime(t pq.Type) bool { return strings.HasPrefix(t.String(), "TIMESTAMP") }

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

// newWriter returns a writer of files with the fields, whose rows have all columns of
// the version. The caller resets the writer before each file.
func newWriter(fields []field, version int) *pq.GenericWriter[any] {
	options := []pq.WriterOption{
		newSchema(fields),
		// 40 % smaller than Snappy and as fast to write. The next level of zstd takes
		// a quarter longer and makes these rows 2 % larger.
		pq.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		pq.PageBufferSize(pageBytes),
		// Readers skip by the bounds of a column and by the index of its pages. Bounds in the
		// header of a page would take as much time again, and repeat whole texts.
		pq.DataPageStatistics(false),
		pq.KeyValueMetadata(metaKey, strings.Join(keyColumns, ",")),
		pq.KeyValueMetadata(metaVersion, strconv.Itoa(version)),
	}
	for _, f := range fields {
		if f.node.Type().Kind() == pq.ByteArray && !bounded[f.name] {
			options = append(options, pq.SkipPageBounds(f.name))
		}
	}
	return pq.NewGenericWriter[any](nil, options...)
}

// bounded are the texts whose least and greatest values a reader can use to skip a file.
// Other texts are in no order, so that each file has values of the whole range.
var bounded = map[string]bool{"event_id": true, "workspace": true, "metric": true}
