// Package warehouse holds what every warehouse has in common: the row that one
// event becomes, the schema of the table, and the contract of a sink.
package warehouse

import "context"

// A Sink is a warehouse that rows are written to. Implementations pass the
// suite of package warehousetest.
type Sink interface {
	// Open makes the table and the views exist with the present schema. It may
	// be called again after an error, and is: with a back-off, until it returns
	// nil. Write is not called before.
	Open(ctx context.Context) error

	// Write stores rows and returns when they are durable. Calls are made one
	// at a time per sink, but other processes may write at the same time.
	//
	// Writing a row again is harmless: a reader sees each event once, by its
	// workspace and event id, within a batch and across all batches.
	//
	// A row that can never be stored must not hold up the others: Write stores
	// the rest in the same call and names the row in Result.Rejected. It
	// becomes a dead letter.
	//
	// An error speaks of the whole batch. The caller acknowledges nothing and
	// writes the same rows again, after fault.RetryWait or its own back-off,
	// until it succeeds; an error of a lost connection may thus be returned for
	// rows that did arrive.
	Write(ctx context.Context, rows []Row) (Result, error)

	// Close gives up files and connections. Rows for which Write returned are
	// durable without it.
	Close() error
}

// A Result tells what became of the rows of one Write. Inserted, Duplicates
// and the length of Rejected add up to the number of rows.
type Result struct {
	Inserted int
	// Duplicates counts the rows that the sink knew already. Sinks that only
	// append leave it at zero and count all as Inserted.
	Duplicates int
	Rejected   []Rejection
}

// A Rejection is the sink's refusal of one row for good.
type Rejection struct {
	// Index is the row's place in the batch.
	Index int
	Err   error
}
