package bigqueryfake_test

import (
	"testing"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/google/go-cmp/cmp"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// Each fault comes once. Then the client library sends the rows again if it retries the
// fault, and otherwise the test does.
func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault    bigqueryfake.Fault
		code     codes.Code // the answer to the first append
		attempts int        // of the library for the first append
		rows     int        // afterwards, of two batches of 3
	}{
		"none":                  {bigqueryfake.Fault{}, codes.OK, 1, 6},
		"slow":                  {bigqueryfake.Fault{Delay: time.Millisecond}, codes.OK, 1, 6},
		"bad rows":              {bigqueryfake.Fault{Kind: bigqueryfake.BadRows, Rows: []int{1}}, codes.InvalidArgument, 1, 3},
		"refused":               {bigqueryfake.Fault{Kind: bigqueryfake.Refused}, codes.InvalidArgument, 1, 3},
		"throughput quota":      {bigqueryfake.Fault{Kind: bigqueryfake.ThroughputQuota}, codes.OK, 2, 6},
		"unavailable":           {bigqueryfake.Fault{Kind: bigqueryfake.Unavailable}, codes.OK, 2, 6},
		"permission denied":     {bigqueryfake.Fault{Kind: bigqueryfake.PermissionDenied}, codes.PermissionDenied, 1, 3},
		"schema not visible":    {bigqueryfake.Fault{Kind: bigqueryfake.SchemaNotVisible}, codes.InvalidArgument, 1, 3},
		"dropped before stored": {bigqueryfake.Fault{Kind: bigqueryfake.DropBefore}, codes.OK, 2, 6},
		"the answer is lost":    {bigqueryfake.Fault{Kind: bigqueryfake.DropAfter}, codes.OK, 2, 9},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, bigqueryfake.Config{})
			e.server.Fault(sequence(c.fault))

			a := e.send(t, batch(3))
			if status.Code(a.err) != c.code {
				t.Fatalf("got %v, want %v", a.err, c.code)
			}
			if n, _ := a.TotalAttempts(t.Context()); n != c.attempts {
				t.Errorf("the library made %d attempts, want %d", n, c.attempts)
			}
			if a := e.send(t, batch(3)); a.err != nil {
				t.Errorf("after the fault: %v", a.err)
			}
			if e.len() != c.rows {
				t.Errorf("the table has %d rows, want %d", e.len(), c.rows)
			}
		})
	}
}

func TestFaultsInDetail(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	e.server.Fault(sequence(
		bigqueryfake.Fault{Kind: bigqueryfake.BadRows, Rows: []int{0, 2}},
		bigqueryfake.Fault{Kind: bigqueryfake.SchemaNotVisible},
	))
	if diff := cmp.Diff([]int64{0, 2}, e.send(t, batch(3)).badRows(t)); diff != "" {
		t.Error(diff)
	}
	if got, want := storageCode(e.send(t, batch(3)).err), storagepb.StorageError_SCHEMA_MISMATCH_EXTRA_FIELDS; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHookSeesTheRequest(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	var seen []bigqueryfake.Request
	e.server.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		seen = append(seen, r)
		if e.len() > 0 { // the hook may use the server
			e.server.Fault(nil)
		}
		return bigqueryfake.Fault{}
	})
	e.send(t, batch(3))
	e.send(t, batch(1))
	e.send(t, batch(1))
	want := []bigqueryfake.Request{
		{Number: 1, Wire: batch(3)},
		{Number: 2, Wire: batch(1)},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

// An append continues after its caller has stopped waiting, so the rows may arrive later.
func TestAbandonedAppendLands(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	e.server.Fault(sequence(bigqueryfake.Fault{Delay: 300 * time.Millisecond}))
	if a := e.sendWithin(t, 20*time.Millisecond, batch(3)); a.err == nil {
		t.Fatal("a slow append was answered in time")
	}
	eventually(t, "the abandoned rows arrive", func() bool { return e.len() == 3 })
}

func TestDelayEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	e.server.Fault(sequence(bigqueryfake.Fault{Delay: time.Hour}))
	r, err := e.stream.AppendRows(t.Context(), batch(3))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request is seen", func() bool { return e.server.Counts().Appends == 1 })
	e.server.Stop()
	e.server.Restart()
	if _, err := r.GetResult(t.Context()); err != nil || e.len() != 3 {
		t.Errorf("the library's second attempt: %v, %d rows", err, e.len())
	}
}

func storageCode(err error) storagepb.StorageError_StorageErrorCode {
	ae, ok := apierror.FromError(err)
	if !ok {
		return -1
	}
	se := &storagepb.StorageError{}
	if ae.Details().ExtractProtoMessage(se) != nil {
		return -1
	}
	return se.GetCode()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: " + what)
		}
	}
}
