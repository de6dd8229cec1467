package bigqueryfake

import (
	"context"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Request describes an AppendRows request to the function of Server.Fault.
type Request struct {
	Number int64 // 1 for the server's first request
	// Wire has the encoded rows, so that the function can recognize a request.
	Wire [][]byte
}

// A Fault replaces the usual answer to a request. The zero Fault changes nothing.
type Fault struct {
	Kind Kind
	// Rows has the indexes of the rows that BadRows refuses.
	Rows []int
	// Delay is the wait before the request is served. The end of the connection ends
	// the wait.
	Delay time.Duration
}

// A Kind is a kind of fault.
type Kind int

// The kinds of faults. A fault that "answers" keeps the connection open.
const (
	None             Kind = iota
	BadRows               // answers INVALID_ARGUMENT and row_errors for Fault.Rows
	Refused               // answers INVALID_ARGUMENT without naming a row
	ThroughputQuota       // answers RESOURCE_EXHAUSTED with the text that managedwriter retries
	Unavailable           // answers UNAVAILABLE
	PermissionDenied      // ends the connection with PERMISSION_DENIED
	SchemaNotVisible      // ends the connection with SCHEMA_MISMATCH_EXTRA_FIELDS
	DropBefore            // breaks the connection before the rows are stored
	DropAfter             // stores the rows, then breaks the connection: the answer is lost
)

// Fault sets the function that chooses the fault of every later request. Calls of fn are
// never concurrent, and fn may call methods of the Server. Fault(nil) ends all faults.
func (s *Server) Fault(fn func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fn
}

// nextFault counts a request and returns its fault.
func (s *Server) nextFault(rows [][]byte) Fault {
	s.mu.Lock()
	s.counts.Appends++
	r, fn := Request{s.counts.Appends, rows}, s.fault
	s.mu.Unlock()
	if fn == nil {
		return Fault{}
	}
	s.hook.Lock()
	defer s.hook.Unlock()
	return fn(r)
}

// wait waits for Fault.Delay or for the end of ctx.
func (f *Fault) wait(ctx context.Context) error {
	if f.Delay <= 0 {
		return nil
	}
	select {
	case <-time.After(f.Delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connectionError returns the error that ends the connection before the rows are stored,
// and nil if the fault does not.
func (f *Fault) connectionError(stream string) error {
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

// response returns the response that refuses the rows, and nil if the fault does not.
func (f *Fault) response(stream string) *storagepb.AppendRowsResponse {
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
