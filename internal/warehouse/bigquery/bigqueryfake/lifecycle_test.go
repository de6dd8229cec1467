package bigqueryfake_test

import (
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// lagging starts a server whose Write API learns of tables a minute late, and does not
// know the table yet. later passes the minute.
func lagging(t *testing.T) (e *env, later func()) {
	t.Helper()
	begin := time.Now()
	var passed atomic.Int64
	now := func() time.Time { return begin.Add(time.Duration(passed.Load())) }
	e = prepare(t, bigqueryfake.Config{TableLag: time.Minute, Now: now})
	return e, func() { passed.Add(int64(time.Minute)) }
}

func (e *env) recreate(t *testing.T) {
	t.Helper()
	if err := e.table().Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.table().Create(t.Context(), &bigquery.TableMetadata{Schema: schema()}); err != nil {
		t.Fatal(err)
	}
}

func TestNewTableIsUnknown(t *testing.T) {
	t.Parallel()
	e, later := lagging(t)
	_, err := writer(t, e.server).NewManagedStream(t.Context(), managedwriter.WithType(managedwriter.DefaultStream),
		managedwriter.WithDestinationTable("projects/p/datasets/d/tables/events"))
	if got := storageCode(err); got != storagepb.StorageError_TABLE_NOT_FOUND {
		t.Errorf("got %v, want TABLE_NOT_FOUND", err)
	}
	later()
	e.stream = stream(t, e.server, "events")
	if a := e.send(t, batch(1)); a.err != nil {
		t.Error(a.err)
	}
}

// Rows for a recreated table are acknowledged, and are in no table.
func TestRecreatedTable(t *testing.T) {
	t.Parallel()
	e, later := lagging(t)
	later()
	e.stream = stream(t, e.server, "events")
	if a := e.send(t, batch(2)); a.err != nil {
		t.Fatal(a.err)
	}
	created := e.server.Table("p", "d", "events").CreationTime
	later()
	e.recreate(t)
	if again := e.server.Table("p", "d", "events").CreationTime; again <= created {
		t.Errorf("the new table was created at %d, the old one at %d", again, created)
	}
	if a := e.send(t, batch(3)); a.err != nil || e.len() != 0 {
		t.Errorf("within the lag: %v, %d rows in the new table; want no error and no row", a.err, e.len())
	}
	later()
	if got := storageCode(e.send(t, batch(3)).err); got != storagepb.StorageError_TABLE_NOT_FOUND {
		t.Errorf("on the old connection: got %v, want TABLE_NOT_FOUND", got)
	}
	if a := e.send(t, batch(3)); a.err != nil || e.len() != 3 {
		t.Errorf("on a new connection: %v, %d rows; want 3", a.err, e.len())
	}
}

func TestTruncatedTable(t *testing.T) {
	t.Parallel()
	e, later := lagging(t)
	later()
	e.stream = stream(t, e.server, "events")
	for _, want := range []int{0, 2} {
		if want == 0 {
			e.server.Truncate("p", "d", "events")
		}
		if a := e.send(t, batch(2)); a.err != nil || e.len() != want {
			t.Errorf("%v, %d rows; want %d", a.err, e.len(), want)
		}
		later()
	}
}

// A client sees ABORTED. The client library opens a new connection by itself.
func TestIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{IdleClose: 50 * time.Millisecond})
	conn, err := grpc.NewClient(e.server.GRPCEndpoint(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	connection, err := storagepb.NewBigQueryWriteClient(conn).AppendRows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Recv(); status.Code(err) != codes.Aborted {
		t.Errorf("got %v, want ABORTED", err)
	}
	for range 2 {
		if a := e.send(t, batch(1)); a.err != nil {
			t.Error(a.err)
		}
	}
}

func TestPartitionBounds(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	err := e.client.Dataset("d").Table("days").Create(t.Context(), &bigquery.TableMetadata{
		Schema: schema(), TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "timestamp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	days := *e
	days.stream = stream(t, e.server, "days")
	now := time.Now()
	for name, c := range map[string]struct {
		env  *env
		at   time.Time
		code codes.Code
	}{
		"within":        {&days, now.AddDate(-9, 0, 0), codes.OK},
		"too old":       {&days, now.AddDate(-10, 0, -1), codes.InvalidArgument},
		"too new":       {&days, now.AddDate(1, 0, 1), codes.InvalidArgument},
		"no partitions": {e, now.AddDate(-11, 0, 0), codes.OK},
	} {
		if a := c.env.send(t, [][]byte{event("a").number(4, c.at.UnixMicro())}); status.Code(a.err) != c.code {
			t.Errorf("%s: got %v, want %v", name, a.err, c.code)
		}
	}
}
