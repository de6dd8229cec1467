package bigqueryfake

import (
	"fmt"
	"reflect"
	"strings"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/bigquery/v2"
)

// types has the types that the fake knows, by their names in REST calls. Some types have
// two names.
var types = map[string]storagepb.TableFieldSchema_Type{
	"STRING":    storagepb.TableFieldSchema_STRING,
	"INTEGER":   storagepb.TableFieldSchema_INT64,
	"INT64":     storagepb.TableFieldSchema_INT64,
	"BOOLEAN":   storagepb.TableFieldSchema_BOOL,
	"BOOL":      storagepb.TableFieldSchema_BOOL,
	"TIMESTAMP": storagepb.TableFieldSchema_TIMESTAMP,
	"JSON":      storagepb.TableFieldSchema_JSON,
	"DATE":      storagepb.TableFieldSchema_DATE,
}

// modes has the modes that the fake knows. The empty mode is NULLABLE.
var modes = map[string]storagepb.TableFieldSchema_Mode{
	"":         storagepb.TableFieldSchema_NULLABLE,
	"NULLABLE": storagepb.TableFieldSchema_NULLABLE,
	"REQUIRED": storagepb.TableFieldSchema_REQUIRED,
}

// changeSchema sets the schema of a table. Without an old schema every known schema is
// accepted, and otherwise only a permitted change. A view has no schema.
func (s *Server) changeSchema(t *table, old, schema *bigquery.TableSchema) error {
	if schema == nil || reflect.DeepEqual(old, schema) {
		return nil
	}
	if err := checkKnown(schema); err != nil {
		return err
	}
	at := s.cfg.Now()
	if old != nil {
		if err := checkChange(old, schema); err != nil {
			return err
		}
		t.schemaAt(at) // an earlier change that is due takes effect first
		at = at.Add(s.cfg.SchemaLag)
	}
	t.next, t.nextAt = storageSchema(schema), at
	return nil
}

func checkKnown(schema *bigquery.TableSchema) error {
	seen := map[string]bool{}
	for _, f := range schema.Fields {
		_, typed := types[f.Type]
		_, moded := modes[f.Mode]
		if !typed || !moded {
			return invalid(fmt.Sprintf("bigqueryfake does not know the type %q with the mode %q of field %s", f.Type, f.Mode, f.Name))
		}
		lower := strings.ToLower(f.Name)
		if seen[lower] {
			return invalid("Duplicate field name: " + f.Name)
		}
		seen[lower] = true
	}
	return nil
}

// checkChange accepts new NULLABLE columns and REQUIRED columns that become NULLABLE.
// Every other change is an error.
func checkChange(old, schema *bigquery.TableSchema) error {
	const mismatch = "Provided Schema does not match Table. "
	was := map[string]*bigquery.TableFieldSchema{}
	for _, f := range old.Fields {
		was[strings.ToLower(f.Name)] = f
	}
	for _, f := range schema.Fields {
		o := was[strings.ToLower(f.Name)]
		delete(was, strings.ToLower(f.Name))
		switch {
		case o == nil && f.Mode == "REQUIRED":
			return invalid(mismatch + "Cannot add required fields to an existing schema. (field: " + f.Name + ")")
		case o == nil:
		case types[o.Type] != types[f.Type]:
			return invalid(mismatch + "Field " + f.Name + " has changed type from " + o.Type + " to " + f.Type)
		case o.Mode != "REQUIRED" && f.Mode == "REQUIRED":
			return invalid(mismatch + "Field " + f.Name + " has changed mode from NULLABLE to REQUIRED")
		}
	}
	for _, f := range old.Fields {
		if was[strings.ToLower(f.Name)] != nil {
			return invalid(mismatch + "Field " + f.Name + " is missing in new schema")
		}
	}
	return nil
}

func storageSchema(schema *bigquery.TableSchema) *storagepb.TableSchema {
	out := &storagepb.TableSchema{}
	for _, f := range schema.Fields {
		out.Fields = append(out.Fields, &storagepb.TableFieldSchema{Name: f.Name, Type: types[f.Type], Mode: modes[f.Mode]})
	}
	return out
}
