package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestPartsObserved stops each part at the first run that the machine is observed in.
func TestPartsObserved(t *testing.T) {
	t.Parallel()
	dir, stopped := built(t, "ingest", "worker", "cioctl"), errors.New("stopped")
	observe := func(context.Context, func(context.Context) error) (condition, error) { return condition{}, stopped }
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"ingest"},
		{"warehouses", "--events", "1", "duckdb"},
		{"replay"},
		{"effects", "burst"},
		{"growth", "--rows", "0", "--messages", "0"},
		{"streams"},
		{"soak"},
		{"all"},
	} {
		m, err := parsePart(t.Output(), args[0], args[1:])
		if err != nil {
			t.Fatal(err)
		}
		if err := m(ctx, dir, observe); !errors.Is(err, stopped) {
			t.Errorf("%q: %v, want the error of the first observed run", args, err)
		}
	}
}

func TestNoted(t *testing.T) {
	t.Parallel()
	busy, moved, failure := steady(90), steady(90), errors.New("failure")
	busy.others = 0.06
	moved.lines = append(moved.lines, 400, 400)
	for name, test := range map[string]struct {
		condition condition
		flaw      func(condition) string
		fails     error
		want      error
	}{
		"quiet":                         {steady(90), condition.flaw, nil, nil},
		"busy":                          {busy, condition.flaw, nil, errNotJudged},
		"busy, any state":               {busy, condition.disturbed, nil, errNotJudged},
		"another state":                 {moved, condition.flaw, nil, errNotJudged},
		"another state, any state":      {moved, condition.disturbed, nil, nil},
		"no cache line, any state":      {condition{}, condition.disturbed, nil, nil},
		"a failure on a busy machine":   {busy, condition.flaw, failure, failure},
		"out of bounds and busy":        {busy, condition.flaw, errBound, errBound},
		"a failure on a quiet machine":  {steady(90), condition.flaw, failure, failure},
		"another state and out of it":   {moved, condition.flaw, errBound, errBound},
		"no cache line, one state only": {condition{}, condition.flaw, nil, errNotJudged},
	} {
		ran := false
		err := during(func(ctx context.Context, run func(context.Context) error) (condition, error) {
			return test.condition, run(ctx)
		}).noted(t.Context(), "part", test.flaw, func(context.Context) error {
			ran = true
			return test.fails
		})
		if !ran || !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, ran %v; want %v", name, err, ran, test.want)
		}
	}
}
