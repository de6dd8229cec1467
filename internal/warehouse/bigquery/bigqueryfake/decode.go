package bigqueryfake

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The first and the last microsecond of a TIMESTAMP, 0001-01-01 and 9999-12-31.
const (
	minTimestamp = -62135596800000000
	maxTimestamp = 253402300799999999
)

// decode returns the decoded rows, and an error for each row that no table accepts.
func (d *decoder) decode(rows [][]byte) ([]map[string]any, []*storagepb.RowError) {
	out := make([]map[string]any, 0, len(rows))
	var bad []*storagepb.RowError
	for i, b := range rows {
		row, err := d.row(b)
		if err != nil {
			bad = append(bad, rowError(i, err.Error()))
			continue
		}
		out = append(out, row)
	}
	return out, bad
}

func (d *decoder) row(b []byte) (map[string]any, error) {
	m := dynamicpb.NewMessage(d.message)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(b, m); err != nil {
		return nil, err
	}
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		n, _, _ := protowire.ConsumeTag(unknown)
		return nil, fmt.Errorf("unknown field number %d", n)
	}
	row := make(map[string]any, len(d.columns))
	var err error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		col := d.columns[f.Number()]
		if row[col.GetName()], err = value(col.GetType(), v); err == nil {
			err = d.bounds.check(col.GetName(), row[col.GetName()])
		}
		if err != nil {
			err = fmt.Errorf("Field %s: %w", col.GetName(), err) //nolint:staticcheck // BigQuery's words.
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return row, d.complete(row)
}

func value(t storagepb.TableFieldSchema_Type, v protoreflect.Value) (any, error) {
	switch t {
	case storagepb.TableFieldSchema_BOOL:
		return v.Bool(), nil
	case storagepb.TableFieldSchema_INT64:
		return v.Int(), nil
	case storagepb.TableFieldSchema_TIMESTAMP:
		if v.Int() < minTimestamp || v.Int() > maxTimestamp {
			return nil, errors.New("timestamp out of range")
		}
		return time.UnixMicro(v.Int()).UTC(), nil
	case storagepb.TableFieldSchema_JSON:
		if err := checkJSON(v.String()); err != nil {
			return nil, err
		}
		return text(v.String())
	default:
		return text(v.String())
	}
}

func text(s string) (any, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("invalid UTF-8")
	}
	return s, nil
}

func (d *decoder) complete(row map[string]any) error {
	for _, col := range d.columns {
		if _, ok := row[col.GetName()]; !ok && col.GetMode() == storagepb.TableFieldSchema_REQUIRED {
			return fmt.Errorf("Field %s: required field missing", col.GetName()) //nolint:staticcheck // BigQuery's words.
		}
	}
	return nil
}
