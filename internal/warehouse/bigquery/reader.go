package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// pageRows is the number of rows that a Reader has in memory: 5,000 events of 781 bytes
// take some 20 MB as Go values. BigQuery sends at most 10 MB in a page.
const pageRows = 5000

// A Reader runs queries as jobs of BigQuery. It implements warehouse.Estimator.
//
// Each query begins with a free dry run. BigQuery itself says there what kind of statement
// the text is; the Reader runs a SELECT only. Rows come by getQueryResults, because the
// Storage Read API cannot read views.
type Reader struct {
	cfg      Config
	purpose  purpose
	client   *bq.Client
	location string // of the dataset, and so of all jobs

	life context.Context //nolint:containedctx // ends with Close, or with the context of a Query
	end  context.CancelCauseFunc

	mu   sync.Mutex              // held while BigQuery computes
	stop context.CancelCauseFunc // ends the rows of the present query; nil before the first
	plan plan                    // of the latest statement
}

// A purpose is what a Reader's jobs are for.
type purpose struct {
	kind, verb string // of the statements that may run, in BigQuery's words and in ours
	label      string
}

var forReading = purpose{kind: "SELECT", verb: "reads", label: "reader"}

var errClosed = errors.New("reader is closed, or another query has begun")

// OpenReader connects to the dataset and reads its location. Of cfg, the Reader uses the
// names, MaxBytesBilled and RESTEndpoint. The account needs roles/bigquery.dataViewer on the
// dataset and roles/bigquery.jobUser on the project.
func OpenReader(ctx context.Context, cfg Config) (*Reader, error) {
	cfg.Dataset = cmp.Or(cfg.Dataset, warehouse.DefaultSchema)
	cfg.MaxBytesBilled = cmp.Or(cfg.MaxBytesBilled, DefaultMaxBytesBilled)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Reader{cfg: cfg, purpose: forReading}
	r.life, r.end = context.WithCancelCause(context.WithoutCancel(ctx))
	var err error
	if r.client, err = newTables(r.life, &cfg); err != nil { //nolint:contextcheck // the client lives until Close
		return nil, r.explain(ctx, err)
	}
	meta, err := r.client.Dataset(cfg.Dataset).Metadata(ctx)
	if err != nil {
		return nil, errors.Join(r.explain(ctx, err), r.Close())
	}
	r.location = meta.Location
	return r, nil
}

// Query implements warehouse.Reader.
func (r *Reader) Query(ctx context.Context, statement string) (*warehouse.Rows, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, release, err := r.begin(ctx)
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	var it *bq.RowIterator
	err = r.run(ctx, statement, func(job *bq.Job) (err error) {
		it, err = firstRows(ctx, job)
		return err
	})
	if err != nil {
		defer release()
		return nil, r.explain(ctx, err)
	}
	each := func(yield func([]any, error) bool) {
		defer release()
		for {
			row, err := next(ctx, it)
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				err = r.explain(ctx, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	return &warehouse.Rows{Columns: names(it.Schema), Each: each}, nil
}

// begin ends the rows of the query before. The returned context also ends with the reader.
// The end of ctx ends the reader.
func (r *Reader) begin(ctx context.Context) (_ context.Context, release func(), err error) {
	if r.stop != nil {
		r.stop(errClosed)
	}
	if r.life.Err() != nil {
		return ctx, nil, errClosed
	}
	query, stop := context.WithCancelCause(ctx)
	r.stop = stop
	afterLife := context.AfterFunc(r.life, func() { stop(context.Cause(r.life)) })
	afterCaller := context.AfterFunc(ctx, func() { r.end(context.Cause(ctx)) })
	return query, func() {
		afterLife()
		afterCaller()
		stop(errClosed)
	}, nil
}

func names(schema bq.Schema) []string {
	list := make([]string, len(schema))
	for i, f := range schema {
		list[i] = f.Name
	}
	return list
}

func next(ctx context.Context, it *bq.RowIterator) ([]any, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var values []bq.Value
	if err := it.Next(&values); err != nil {
		return nil, err
	}
	row := make([]any, len(values))
	for i, v := range values {
		row[i] = valueOf(it.Schema[i], v)
	}
	return row, nil
}

// Estimate implements warehouse.Estimator. The price is the list price without a contract.
func (r *Reader) Estimate(ctx context.Context, statement string) (warehouse.Estimate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.Err() != nil {
		return warehouse.Estimate{}, r.explain(ctx, errClosed)
	}
	p, err := r.dryRun(ctx, statement)
	if err != nil {
		return warehouse.Estimate{}, r.explain(ctx, err)
	}
	return warehouse.Estimate{Bytes: p.bytes, Dollars: price(p.bytes)}, nil
}

// dollarsPerTiB is Google's price for queries in US and EU; other locations cost more
// (https://cloud.google.com/bigquery/pricing#on_demand_pricing, September 2026).
const dollarsPerTiB = 6.25

// price returns the price of a query. A query of a table costs 10 MB at least.
func price(bytes int64) float64 {
	if bytes == 0 {
		return 0
	}
	return float64(max(bytes, 10<<20)) / (1 << 40) * dollarsPerTiB
}

// Close implements warehouse.Reader. Close cancels the job of a query that waits for
// its first rows.
func (r *Reader) Close() error {
	r.end(errClosed)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("close BigQuery: %w", err)
	}
	return nil
}
