package bigqueryfake

import (
	"context"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Request is one AppendRows request, as the fault hook sees it.
type Request struct {
	Number int64  // 1 for the server's first request
	Table  string // projects/P/datasets/D/tables/T
	Rows   int
	// Wire is the rows as they came, by which a hook can tell requests apart.
	Wire [][]byte
}

// A Fault is what a request meets instead of its answer. The zero Fault is none.
type Fault struct {
	Kind Kind
	// Rows are the indexes that BadRows blames.
	Rows []int
	// Delay passes before anything else happens, unless the connection ends
	// first.
	Delay time.Duration
}

// A Kind is what goes wrong.
type Kind int

// The kinds of faults. Those that "answer" leave the connection open.
const (
	None             Kind = iota
	BadRows               // answers INVALID_ARGUMENT and row_errors for Fault.Rows
	Refused               // answers INVALID_ARGUMENT and does not say which row is to blame
	ThroughputQuota       // answers RESOURCE_EXHAUSTED with the text that managedwriter retries
	Unavailable           // answers UNAVAILABLE
	PermissionDenied      // ends the connection with PERMISSION_DENIED
	SchemaNotVisible      // ends the connection with SCHEMA_MISMATCH_EXTRA_FIELDS
	DropBefore            // breaks the connection before the rows are stored
	DropAfter             // stores the rows, then breaks the connection: the answer is lost
)

// Fault makes every later request meet the fault that fn returns for it. Calls
// come to fn one at a time, and it may use the Server. Fault(nil) ends it.
func (s *Server) Fault(fn func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fn
}

// meet counts a request and returns the fault that it meets.
func (s *Server) meet(stream string, rows [][]byte) Fault {
	r := Request{Table: tableOf(stream), Rows: len(rows), Wire: rows}
	fn := s.count(&r, rows)
	if fn == nil {
		return Fault{}
	}
	s.hook.Lock()
	defer s.hook.Unlock()
	return fn(r)
}

func (s *Server) count(r *Request, rows [][]byte) func(Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Appends++
	r.Number = s.counts.Appends
	for _, row := range rows {
		s.counts.Bytes += int64(len(row))
	}
	return s.fault
}

// wait lets the delay pass.
func (f *Fault) wait(ctx context.Context) error {
	if f.Delay <= 0 {
		return nil
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ends returns the error that ends the connection before the rows are stored.
func (f *Fault) ends(stream string) error {
	switch f.Kind {
	case PermissionDenied:
		return status.Error(codes.PermissionDenied, "Permission 'TABLES_UPDATE_DATA' denied on resource '"+stream+"' (or it may not exist).")
	case SchemaNotVisible:
		return extraFields(stream, "of a fault")
	case DropBefore:
		return errDropped
	default:
		return nil
	}
}

// answers returns the response that refuses the rows, nil when the fault does not.
func (f *Fault) answers(stream string) *storagepb.AppendRowsResponse {
	switch f.Kind {
	case BadRows:
		var bad []*storagepb.RowError
		for _, i := range f.Rows {
			bad = append(bad, rowError(i, "refused by a fault"))
		}
		return refusal(badRows(stream), bad)
	case Refused:
		return refusal(status.New(codes.InvalidArgument, "Request contains an invalid argument."), nil)
	case ThroughputQuota:
		return refusal(status.New(codes.ResourceExhausted, "Exceeds 'AppendRows throughput' quota, user_id: project0000 (status: INSUFFICIENT_TOKENS)"), nil)
	case Unavailable:
		return refusal(status.New(codes.Unavailable, "The service is currently unavailable."), nil)
	default:
		return nil
	}
}
