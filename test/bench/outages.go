package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cioevents/cioevents/test/lab"
)

// benchOutages proves in real time, with real processes, the product's promises
// about outages, crashes and delays. Without names every part runs. The error lists
// the promises that do not hold. A promise that holds on a busy machine holds.
func benchOutages(ctx context.Context, dir string, _ during, names []string) error {
	if err := lab.Build(ctx, dir, "ingest", "worker"); err != nil {
		return err
	}
	all := []struct {
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
	var broken []error
	for i, part := range all {
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
