package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cioevents/cioevents/test/lab"
)

const outagesUsage = `outages proves in real time what the product promises about outages, crashes and delays.
Without names every outage is proved.

Usage:
  go run ./test/bench outages [visible] [bigquery] [track] [kill]

  visible   a row is visible soon after its event
  bigquery  BigQuery resets connections for a minute, and hangs for another
  track     the Track API refuses, fails and hangs, 20 seconds each
  kill      workers are killed at random, with three seeds
`

// outages are the proofs in their order.
var outages = []struct {
	name  string
	prove func(context.Context, *testbed) error
}{
	{"visible", proveVisible},
	{"bigquery", proveBigQuery},
	{"track", proveTrack},
	{"kill", proveKill(1)},
	{"kill", proveKill(2)},
	{"kill", proveKill(3)},
}

func prepareOutages(*flag.FlagSet) func([]string) (measure, error) {
	return func(names []string) (measure, error) {
		var all []string
		for _, o := range outages {
			all = append(all, o.name)
		}
		return func(ctx context.Context, dir string, _ during) error {
			return benchOutages(ctx, dir, names)
		}, known(names, slices.Compact(all))
	}
}

// benchOutages proves in real time, with real processes, the product's promises
// about outages, crashes and delays. Without names every part runs. The error lists
// the promises that do not hold. A promise that holds on a busy machine holds.
func benchOutages(ctx context.Context, dir string, names []string) error {
	if err := lab.Build(ctx, dir, "ingest", "worker"); err != nil {
		return err
	}
	var broken []error
	for i, part := range outages {
		if len(names) > 0 && !slices.Contains(names, part.name) {
			continue
		}
		b, err := newTestbed(ctx, dir, filepath.Join(dir, strconv.Itoa(i)))
		if err == nil {
			fmt.Printf("\n%s\n", part.name)
			err = part.prove(ctx, b)
			b.Close()
		}
		if err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	return errors.Join(broken...)
}
