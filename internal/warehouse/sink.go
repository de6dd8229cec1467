// Package warehouse defines what all warehouses share: the row of an event, the
// columns of the table, and the contract of a sink.
package warehouse

import "context"

// A Sink writes rows to a warehouse. Implementations pass the suite of package
// warehousetest.
type Sink interface {
	// Open creates the table and the views, and adds missing columns. The caller
	// repeats Open after an error, with a back-off, until Open returns nil. Write
	// is not called before.
	Open(ctx context.Context) error

	// Write stores rows and returns when the rows are durable. Calls may overlap, so that
	// a sink that stores one batch at a time can prepare the next batch meanwhile. Other
	// processes may write to the warehouse at the same time.
	//
	// Writing a row again is harmless: a reader sees each event once, by its
	// Key, within a batch and across all batches.
	//
	// A row that can never be stored must not hold up the other rows: Write
	// stores the others in the same call and names the row in Result.Rejected.
	// The caller dead-letters a rejected row.
	//
	// An error is about the whole batch. The caller acknowledges nothing and
	// writes the same rows again, after fault.RetryWait or the caller's own
	// back-off, until Write succeeds. So Write may return the error of a lost
	// connection although the rows have arrived.
	Write(ctx context.Context, rows []Row) (Result, error)

	// Close closes files and connections. The rows of a successful Write are
	// durable without a Close.
	Close() error
}

// A Result counts the outcomes of the rows of one Write. Inserted, Duplicates
// and the length of Rejected add up to the number of rows.
type Result struct {
	Inserted int
	// Duplicates counts the rows that the table already had. A sink that only
	// appends counts all rows as Inserted and leaves Duplicates at 0.
	Duplicates int
	Rejected   []Rejection
}

// A Rejection is the sink's permanent refusal of one row.
type Rejection struct {
	// Index is the row's index in the batch.
	Index int
	Err   error
}
