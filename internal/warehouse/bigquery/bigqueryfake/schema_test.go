package bigqueryfake_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func (e *env) update(t *testing.T, u bigquery.TableMetadataToUpdate) error {
	t.Helper()
	md, err := e.table().Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.table().Update(t.Context(), u, md.ETag)
	return err
}

// A column is added while a writer has its connection open.
func TestColumnIsAdded(t *testing.T) {
	t.Parallel()
	const lag = time.Minute
	var now atomic.Int64
	e := start(t, bigqueryfake.Config{SchemaLag: lag, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	if told(t, e.send(t, batch(1))) {
		t.Error("told of a schema that has not changed")
	}
	if err := e.update(t, bigquery.TableMetadataToUpdate{Schema: wider()}); err != nil {
		t.Fatal(err)
	}

	// REST shows the column, and the Write API does not know it yet.
	if n := len(e.server.Table("p", "d", "events").Schema.Fields); n != 6 {
		t.Fatalf("the table has %d columns, want 6", n)
	}
	oldRows, newRows := managedwriter.UpdateSchemaDescriptor(descriptor(t, schema())), managedwriter.UpdateSchemaDescriptor(descriptor(t, wider()))
	if got := storageCode(e.send(t, batch(1), newRows).err); got != storagepb.StorageError_SCHEMA_MISMATCH_EXTRA_FIELDS {
		t.Fatalf("got %v, want SCHEMA_MISMATCH_EXTRA_FIELDS", got)
	}
	if a := e.send(t, batch(1), oldRows); a.err != nil || told(t, a) {
		t.Errorf("the old descriptor within the lag: %v, told %v", a.err, told(t, a))
	}

	now.Add(int64(lag / time.Second))
	if !told(t, e.send(t, batch(1))) {
		t.Error("not told of the changed schema on the open connection")
	}
	if told(t, e.send(t, batch(1))) {
		t.Error("told twice")
	}
	if a := e.send(t, [][]byte{event("new").text(6, "Mozilla")}, newRows); a.err != nil {
		t.Fatalf("the new descriptor after the lag: %v", a.err)
	}
	rows := e.server.Rows("p", "d", "events")
	if v, ok := rows[0]["user_agent"]; !ok || v != nil {
		t.Errorf("an old row has the user agent %v, want NULL", v)
	}
	if v := rows[len(rows)-1]["user_agent"]; v != "Mozilla" {
		t.Errorf("the new row has the user agent %v", v)
	}
}

// A column is added before the first writer connects. The table's first schema stays
// valid until the lag is over.
func TestColumnIsAddedBeforeTheFirstWriter(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{SchemaLag: time.Hour})
	table := e.client.Dataset("d").Table("unwritten")
	if err := table.Create(t.Context(), &bigquery.TableMetadata{Schema: schema()}); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: wider()}, ""); err != nil {
		t.Fatal(err)
	}
	e.stream = stream(t, e.server, "unwritten")
	if a := e.send(t, batch(1)); a.err != nil || told(t, a) {
		t.Errorf("the first descriptor: %v, told %v", a.err, told(t, a))
	}
	newRows := managedwriter.UpdateSchemaDescriptor(descriptor(t, wider()))
	if got := storageCode(e.send(t, batch(1), newRows).err); got != storagepb.StorageError_SCHEMA_MISMATCH_EXTRA_FIELDS {
		t.Errorf("the new descriptor within the lag: got %v, want SCHEMA_MISMATCH_EXTRA_FIELDS", got)
	}
}

// told reports whether the answer came with an updated schema.
func told(t *testing.T, a answer) bool {
	t.Helper()
	if a.err != nil {
		return false
	}
	s, err := a.UpdatedSchema(t.Context())
	return err == nil && s != nil
}

func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	change := func(fn func(bigquery.Schema)) bigquery.Schema {
		s := schema()
		fn(s)
		return s
	}
	cases := map[string]struct {
		schema bigquery.Schema
		code   int // 0 is allowed
	}{
		"same":              {schema(), 0},
		"nullable column":   {wider(), 0},
		"relaxed":           {change(func(s bigquery.Schema) { s[0].Required = false }), 0},
		"other description": {change(func(s bigquery.Schema) { s[0].Description = "an id" }), 0},
		"required column": {
			append(schema(), &bigquery.FieldSchema{Name: "x", Type: bigquery.StringFieldType, Required: true}), http.StatusBadRequest,
		},
		"tightened":       {change(func(s bigquery.Schema) { s[1].Required = true }), http.StatusBadRequest},
		"other type":      {change(func(s bigquery.Schema) { s[1].Type = bigquery.StringFieldType }), http.StatusBadRequest},
		"lost column":     {schema()[:4], http.StatusBadRequest},
		"renamed column":  {change(func(s bigquery.Schema) { s[1].Name = "campaign" }), http.StatusBadRequest},
		"column twice":    {append(schema(), schema()[1]), http.StatusBadRequest},
		"unknown type":    {append(schema(), &bigquery.FieldSchema{Name: "x", Type: bigquery.GeographyFieldType}), http.StatusBadRequest},
		"repeated column": {append(schema(), &bigquery.FieldSchema{Name: "x", Type: bigquery.StringFieldType, Repeated: true}), http.StatusBadRequest},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, bigqueryfake.Config{})
			err := e.update(t, bigquery.TableMetadataToUpdate{Schema: c.schema})
			if got := httpCode(err); got != c.code {
				t.Errorf("got %v, want %d", err, c.code)
			}
		})
	}
}

func TestDescriptorMustFit(t *testing.T) {
	t.Parallel()
	wrongType := schema()
	wrongType[1].Type = bigquery.StringFieldType
	cases := map[string]struct {
		schema bigquery.Schema
		code   codes.Code
	}{
		"a column in its old place": {schema(), codes.OK},
		"without a required column": {schema()[:4], codes.InvalidArgument},
		"wrong type":                {wrongType, codes.InvalidArgument},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, bigqueryfake.Config{})
			a := e.send(t, batch(1), managedwriter.UpdateSchemaDescriptor(descriptor(t, c.schema)))
			if status.Code(a.err) != c.code {
				t.Errorf("got %v, want %v", a.err, c.code)
			}
		})
	}
}

// httpCode is the status of a refused REST call, 0 for nil.
func httpCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return e.Code
	}
	return -1
}
