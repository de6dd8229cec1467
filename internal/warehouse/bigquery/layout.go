package bigquery

import (
	"fmt"
	"time"

	bq "cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/managedwriter/adapt"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// types are the columns' types in the table.
var types = map[warehouse.Type]bq.FieldType{
	warehouse.Text:      bq.StringFieldType,
	warehouse.Integer:   bq.IntegerFieldType,
	warehouse.Boolean:   bq.BooleanFieldType,
	warehouse.Timestamp: bq.TimestampFieldType,
	warehouse.JSON:      bq.JSONFieldType,
}

// schemaOf is the table's schema.
func schemaOf(columns []warehouse.Column) bq.Schema {
	schema := make(bq.Schema, len(columns))
	for i, c := range columns {
		schema[i] = &bq.FieldSchema{Name: c.Name, Type: types[c.Type], Required: c.Required, Description: c.About}
	}
	return schema
}

// A layout is how rows go over the wire: a descriptor that the Write API is
// told, and the same by hand for us, at a seventh of the time of dynamicpb.
type layout struct {
	descriptor *descriptorpb.DescriptorProto
	fields     []field
}

type field struct {
	warehouse.Column
	tag         uint64
	partitioned bool // by this column
}

func newLayout(columns []warehouse.Column) (*layout, error) {
	schema, err := adapt.BQSchemaToStorageTableSchema(schemaOf(columns))
	if err != nil {
		return nil, fmt.Errorf("convert schema: %w", err)
	}
	d, err := adapt.StorageSchemaToProto2Descriptor(schema, "row")
	if err != nil {
		return nil, fmt.Errorf("make descriptor: %w", err)
	}
	message, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("make descriptor: it is a %T", d)
	}
	l := &layout{fields: make([]field, len(columns))}
	if l.descriptor, err = adapt.NormalizeDescriptor(message); err != nil {
		return nil, fmt.Errorf("normalize descriptor: %w", err)
	}
	for i, c := range columns {
		number := message.Fields().ByName(protoreflect.Name(c.Name)).Number()
		l.fields[i] = field{Column: c, tag: protowire.EncodeTag(number, wireType(c.Type)), partitioned: c.Name == partitionColumn}
	}
	return l, nil
}

func wireType(t warehouse.Type) protowire.Type {
	if t == warehouse.Text || t == warehouse.JSON {
		return protowire.BytesType
	}
	return protowire.VarintType
}

// encode appends a row to b. NULL is a field that is not there.
func (l *layout) encode(b []byte, r *warehouse.Row, p partitions) []byte {
	for i := range l.fields {
		f := &l.fields[i]
		switch f.Type {
		case warehouse.Text:
			b = appendText(b, f.tag, f.Text(r))
		case warehouse.JSON:
			b = appendText(b, f.tag, f.JSON(r))
		case warehouse.Integer:
			if v := f.Integer(r); v != 0 {
				b = appendVarint(b, f.tag, uint64(v)) //nolint:gosec // That is how a negative int64 goes.
			}
		case warehouse.Boolean:
			if v := f.Boolean(r); v != nil {
				b = appendVarint(b, f.tag, protowire.EncodeBool(*v))
			}
		default:
			if v := f.Time(r); !v.IsZero() && (!f.partitioned || p.hold(v)) {
				b = appendVarint(b, f.tag, uint64(v.UnixMicro()))
			}
		}
	}
	return b
}

func appendText(b []byte, tag uint64, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendVarint(b, tag), v)
}

func appendVarint(b []byte, tag, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendVarint(b, tag), v)
}

// partitionColumn is the column whose day is the partition.
const partitionColumn = "timestamp"

// partitions are the times that rows may be appended to. BigQuery refuses days
// more than 10 years back or a year ahead
// (https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery); a few
// days less leave room for its clock, and ours. The row of an event outside
// them goes into the partition of NULL: it must not be lost.
type partitions struct{ from, to time.Time }

func partitionsAt(now time.Time) partitions {
	return partitions{from: now.AddDate(-10, 0, 3), to: now.AddDate(1, 0, -3)}
}

func (p partitions) hold(t time.Time) bool { return t.After(p.from) && t.Before(p.to) }
