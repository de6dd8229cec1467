package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/cioevents/cioevents/internal/terminal"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// charged returns a reader that tells what each query costs, if the warehouse charges for
// queries and standard error is a terminal. Otherwise charged returns the reader itself.
func (c *cli) charged(r warehouse.Reader) warehouse.Reader {
	if e, ok := r.(warehouse.Estimator); ok && terminal.Is(c.err) {
		return teller{e, c}
	}
	return r
}

// A teller tells a person what each query costs, and how long BigQuery computes.
type teller struct {
	warehouse.Estimator
	cli *cli
}

// Query implements warehouse.Reader.
func (t teller) Query(ctx context.Context, statement string) (*warehouse.Rows, error) {
	finish := t.cli.waiting("BigQuery")
	defer func() { finish() }() //nolint:gocritic // the last of two
	e, err := t.Estimate(ctx, statement)
	if err != nil {
		return nil, err
	}
	finish()
	t.cli.tellf("the query reads %s at most", e)
	finish = t.cli.waiting("BigQuery")
	return t.Estimator.Query(ctx, statement)
}

// waiting shows on a terminal for how long the command has been waiting. The line
// disappears with finish, which may be called again.
func (c *cli) waiting(what string, options ...mpb.ContainerOption) (finish func()) {
	start := time.Now()
	bars := mpb.New(append(options, mpb.WithOutput(c.err))...)
	bar := bars.New(-1, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		return fmt.Sprintf("waiting for %s, %d s", what, int(time.Since(start).Seconds()))
	})))
	return func() {
		bar.Abort(true)
		bars.Wait()
	}
}
