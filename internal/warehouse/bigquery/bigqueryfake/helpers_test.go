package bigqueryfake_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"cloud.google.com/go/bigquery/storage/managedwriter/adapt"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// patience bounds the wait for an event that must happen.
const patience = 30 * time.Second

// schema has a column of each type. The order of columns gives the field numbers.
func schema() bigquery.Schema {
	return bigquery.Schema{
		{Name: "event_id", Type: bigquery.StringFieldType, Required: true},
		{Name: "campaign_id", Type: bigquery.IntegerFieldType},
		{Name: "is_machine", Type: bigquery.BooleanFieldType},
		{Name: "timestamp", Type: bigquery.TimestampFieldType},
		{Name: "payload", Type: bigquery.JSONFieldType, Required: true},
	}
}

// wider is schema with one more column.
func wider() bigquery.Schema {
	return append(schema(), &bigquery.FieldSchema{Name: "user_agent", Type: bigquery.StringFieldType})
}

type row []byte

// event returns a row with the required columns.
func event(id string) row {
	return row(nil).text(1, id).text(5, `{"event_id":"`+id+`"}`)
}

func (r row) text(n protowire.Number, v string) row {
	return protowire.AppendString(protowire.AppendTag(r, n, protowire.BytesType), v)
}

func (r row) number(n protowire.Number, v int64) row {
	return protowire.AppendVarint(protowire.AppendTag(r, n, protowire.VarintType), uint64(v))
}

// batch returns n rows.
func batch(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = event("e" + strconv.Itoa(i))
	}
	return out
}

func descriptor(t *testing.T, s bigquery.Schema) *descriptorpb.DescriptorProto {
	t.Helper()
	storage, err := adapt.BQSchemaToStorageTableSchema(s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := adapt.StorageSchemaToProto2Descriptor(storage, "root")
	if err != nil {
		t.Fatal(err)
	}
	dp, err := adapt.NormalizeDescriptor(d.(protoreflect.MessageDescriptor))
	if err != nil {
		t.Fatal(err)
	}
	return dp
}

// An env is a server with the table p.d.events and clients for it.
type env struct {
	server *bigqueryfake.Server
	client *bigquery.Client
	stream *managedwriter.ManagedStream
}

func start(t *testing.T, cfg bigqueryfake.Config) *env {
	t.Helper()
	e := prepare(t, cfg)
	e.stream = stream(t, e.server, "events")
	return e
}

// prepare returns an env without a stream.
func prepare(t *testing.T, cfg bigqueryfake.Config) *env {
	t.Helper()
	s, err := bigqueryfake.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	e := &env{server: s, client: client(t, s)}
	if err := e.client.Dataset("d").Create(t.Context(), &bigquery.DatasetMetadata{}); err != nil {
		t.Fatal(err)
	}
	if err := e.table().Create(t.Context(), &bigquery.TableMetadata{Schema: schema()}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *env) table() *bigquery.Table { return e.client.Dataset("d").Table("events") }
func (e *env) len() int               { return e.server.Len("p", "d", "events") }

func client(t *testing.T, s *bigqueryfake.Server) *bigquery.Client {
	t.Helper()
	c, err := bigquery.NewClient(t.Context(), "p", option.WithEndpoint(s.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func writer(t *testing.T, s *bigqueryfake.Server) *managedwriter.Client {
	t.Helper()
	// The context of the test ends before the clean-up, and would end the client's
	// connections.
	c, err := managedwriter.NewClient(context.WithoutCancel(t.Context()), "p", option.WithEndpoint(s.GRPCEndpoint()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func stream(t *testing.T, s *bigqueryfake.Server, table string) *managedwriter.ManagedStream {
	t.Helper()
	ms, err := writer(t, s).NewManagedStream(t.Context(),
		managedwriter.WithType(managedwriter.DefaultStream),
		managedwriter.WithDestinationTable(managedwriter.TableParentFromParts("p", "d", table)),
		managedwriter.WithSchemaDescriptor(descriptor(t, schema())),
		managedwriter.EnableWriteRetries(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ms.Close() })
	return ms
}

// An answer is the result of an append.
type answer struct {
	*managedwriter.AppendResult

	err error
}

func (e *env) send(t *testing.T, rows [][]byte, opts ...managedwriter.AppendOption) answer {
	t.Helper()
	return e.sendWithin(t, patience, rows, opts...)
}

func (e *env) sendWithin(t *testing.T, limit time.Duration, rows [][]byte, opts ...managedwriter.AppendOption) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r, err := e.stream.AppendRows(ctx, rows, opts...)
	if err == nil {
		_, err = r.GetResult(ctx)
	}
	return answer{r, err}
}

// sequence is for Server.Fault: each of the next requests gets the next fault, and
// later requests get none.
func sequence(faults ...bigqueryfake.Fault) func(bigqueryfake.Request) bigqueryfake.Fault {
	return func(bigqueryfake.Request) (f bigqueryfake.Fault) {
		if len(faults) > 0 {
			f, faults = faults[0], faults[1:]
		}
		return f
	}
}
