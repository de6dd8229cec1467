package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Ages after which the numbers of a warehouse are read again. A DuckDB file is away from
// its worker while the console reads; BigQuery charges for each query.
const (
	freeAge    = 10 * time.Second
	chargedAge = 5 * time.Minute
)

const (
	// leaseWait is how long a page waits for a worker to hand over a DuckDB file.
	leaseWait = 10 * time.Second
	// queryTimeout bounds the queries of a page.
	queryTimeout = 30 * time.Second
	// maxResults bounds the memory for results.
	maxResults = 32
)

// numbers reads the warehouse for the pages: one page at a time, and each result only
// after the age of the last equal one.
type numbers struct {
	place place.Place
	age   time.Duration

	reading sync.Mutex // one reader at a time
	mu      sync.Mutex
	results map[string]*result
}

// A result is what a page has read from the warehouse.
type result struct {
	Value any
	At    time.Time
	// Bytes is what the queries read at most, 0 for a warehouse that does not charge.
	Bytes int64
}

func newNumbers(p place.Place) *numbers {
	n := &numbers{place: p, age: freeAge, results: map[string]*result{}}
	if n.charges() {
		n.age = chargedAge
	}
	return n
}

// charges reports whether the warehouse charges for queries, so that a page must not
// refresh by itself.
func (n *numbers) charges() bool { return n.place.Charges() }

// known returns the result of a key that is not too old, nil otherwise.
func (n *numbers) known(key string) *result {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.results[key]; r != nil && time.Since(r.At) < n.age {
		return r
	}
	return nil
}

// read returns the result of the key, which read computes when it is unknown or too old.
// The key has all that fn depends on.
func (n *numbers) read(ctx context.Context, key string, fn func(context.Context, report.Config) (any, error)) (*result, error) {
	n.reading.Lock()
	defer n.reading.Unlock()
	if r := n.known(key); r != nil { // another page has read meanwhile
		return r, nil
	}
	r, err := n.query(ctx, fn)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.results) >= maxResults {
		clear(n.results)
	}
	n.results[key] = r
	return r, nil
}

// query opens the warehouse, for no longer than the queries.
func (n *numbers) query(ctx context.Context, fn func(context.Context, report.Config) (any, error)) (_ *result, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	reader, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	counted := &countingReader{Reader: reader}
	value, err := fn(ctx, report.Config{Reader: counted, Dialect: n.place.Dialect(), Schema: n.place.Schema(), Rows: n.place.Rows(), Source: n.place.Where()})
	if err != nil {
		return nil, err
	}
	return &result{value, time.Now(), counted.bytes.Load()}, nil
}

func (n *numbers) open(ctx context.Context) (warehouse.Reader, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, leaseWait, fmt.Errorf("the warehouse was not free within %s", leaseWait))
	defer cancel()
	return n.place.Reader(ctx)
}

// A countingReader adds up the bytes for which a warehouse charges.
type countingReader struct {
	warehouse.Reader
	bytes atomic.Int64
}

// Query implements warehouse.Reader.
func (c *countingReader) Query(ctx context.Context, statement string) (*warehouse.Rows, error) {
	if e, ok := c.Reader.(warehouse.Estimator); ok {
		if estimate, err := e.Estimate(ctx, statement); err == nil {
			c.bytes.Add(estimate.Bytes)
		}
	}
	return c.Reader.Query(ctx, statement)
}

// withMigration adds what to do to the error of a query.
func withMigration(err error) error {
	if _, isOld := errors.AsType[*warehouse.MissingNameError](err); isOld {
		return fmt.Errorf("the views are missing or of an older release, run \"cioctl warehouse migrate\": %w", err)
	}
	return err
}
