package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// TestMain lets the test binary play the roles of the bench.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		ok, err := runTestRole(os.Args[1], os.Args[2:])
		if !ok {
			ok, err = runRole(context.Background(), os.Args[1], os.Args[2:])
		}
		if ok {
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// TestParts runs small versions of the parts replay and effects: a change of the product that
// breaks a part would be noticed at the next measurement only.
func TestParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := lab.Build(t.Context(), dir, "worker"); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]func(ctx context.Context, dir string) error{
		"replay": func(ctx context.Context, sub string) error { return compareReplay(ctx, dir, sub, 20_000) },
		"effects": func(ctx context.Context, sub string) error {
			return drainOpens(ctx, dir, sub, opens{name: "effects", events: 2_000, people: 100, all: true, content: 1_000})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if err := part(ctx, filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		})
	}
}
