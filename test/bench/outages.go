package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
)

// benchOutages proves in real time, with real processes, what the product promises
// about outages, crashes and delays. The parts are all of them, or those that are
// named. Its error lists the promises that do not hold.
func benchOutages(ctx context.Context, dir string, parts []string) error {
	all := []struct {
		name  string
		prove func(context.Context, *rig) error
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
		if len(parts) > 0 && !slices.Contains(parts, part.name) {
			continue
		}
		l, err := newLab(ctx, filepath.Join(dir, strconv.Itoa(i)))
		if err == nil {
			fmt.Printf("\n%s\n", part.name)
			err = part.prove(ctx, l)
			l.close()
		}
		if err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	return errors.Join(broken...)
}
