package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// runAll runs one seed after another, prints each report, and prints a table at the end
// or when ctx ends. A broken promise does not end the series.
func runAll(ctx context.Context, cfg Config) error {
	var rows []row
	var broken []error
	for first := cfg.Seed; cfg.Seed < first+uint64(cfg.Runs) && ctx.Err() == nil; cfg.Seed++ { //nolint:gosec // The number of runs is small.
		r, err := runOne(ctx, cfg)
		if err != nil {
			err = fmt.Errorf("seed %d: %w", cfg.Seed, err)
			broken = append(broken, err)
			fmt.Fprintln(os.Stderr, err)
		}
		rows = append(rows, row{cfg.Seed, r, err})
	}
	if cfg.Runs > 1 && !cfg.JSON {
		table(os.Stdout, rows)
	}
	if ctx.Err() != nil {
		broken = append(broken, fmt.Errorf("interrupted: go on with --seed %d", cfg.Seed-1))
	}
	return errors.Join(broken...)
}

// A row is one run of a series.
type row struct {
	seed   uint64
	report *Report // nil when the run did not come to an end
	err    error
}

func table(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nseed\tfaults\tevents\t200\t503\tpenalties\twithout a kill\tlost\tduplicates\tdead\tlongest gap\tkept\t")
	for _, row := range rows {
		r, kept := row.report, "yes"
		if row.err != nil {
			kept = "NO"
		}
		if r == nil {
			r = &Report{}
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1fs\t%s\t\n", row.seed, sum(r.Faults), r.Unique, r.Answers["200"], r.Answers["503"],
			sum(r.Penalties), r.undeserved(), r.Stream.Lost+r.BigQuery.Lost+r.DuckDB.Lost+r.OddLost, r.DuckDB.Repeated, r.Dead, r.Gap.Seconds(), kept)
	}
	_ = t.Flush() // As in all reports, a closed standard output is no error.
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
