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

// types has the type of a column in the table.
var types = map[warehouse.Type]bq.FieldType{
	warehouse.Text:      bq.StringFieldType,
	warehouse.Integer:   bq.IntegerFieldType,
	warehouse.Boolean:   bq.BooleanFieldType,
	warehouse.Timestamp: bq.TimestampFieldType,
	warehouse.JSON:      bq.JSONFieldType,
	warehouse.Date:      bq.DateFieldType, // of the rollup
}

// schemaOf returns the schema of the table.
func schemaOf(columns []warehouse.Column) bq.Schema {
	schema := make(bq.Schema, len(columns))
	for i, c := range columns {
		schema[i] = &bq.FieldSchema{Name: c.Name, Type: types[c.Type], Required: c.Required, Description: c.About}
	}
	return schema
}

// A layout is the wire format of rows: a descriptor for the Write API, and the fields
// for our own encoder, which takes a seventh of the time of dynamicpb.
type layout struct {
	descriptor *descriptorpb.DescriptorProto
	fields     []field
}

type field struct {
	warehouse.Column
	tag         uint64
	partitioned bool // the day of this column is the partition
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
		return nil, fmt.Errorf("make descriptor: got %T, want a message descriptor", d)
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

// encode appends a row to b. A column with NULL has no field in the message.
func (l *layout) encode(b []byte, r *warehouse.Row, p partitions) []byte {
	for i := range l.fields {
		f := &l.fields[i]
		switch f.Type {
		case warehouse.Text, warehouse.JSON:
			b = appendText(b, f.tag, f.Text(r))
		case warehouse.Integer:
			if v := f.Integer(r); v != 0 {
				b = appendVarint(b, f.tag, uint64(v)) //nolint:gosec // Protobuf encodes a negative int64 this way.
			}
		case warehouse.Boolean:
			if v := f.Boolean(r); v != nil {
				b = appendVarint(b, f.tag, protowire.EncodeBool(*v))
			}
		default:
			if v := f.Time(r); !v.IsZero() && (!f.partitioned || p.contain(v)) {
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

// partitionColumn is the name of the column by whose day the table is partitioned.
const partitionColumn = "timestamp"

// partitions is the range of times for which BigQuery has a partition. BigQuery refuses
// days more than 10 years back or a year ahead
// (https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery). The range is
// 3 days shorter at both ends, because BigQuery's clock and ours may differ. The row
// of an event outside the range must not be lost: it goes into the partition of NULL.
type partitions struct{ from, to time.Time }

func partitionsAt(now time.Time) partitions {
	return partitions{from: now.AddDate(-10, 0, 3), to: now.AddDate(1, 0, -3)}
}

func (p partitions) contain(t time.Time) bool { return t.After(p.from) && t.Before(p.to) }
