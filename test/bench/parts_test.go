package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
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
	code := m.Run()
	if dir, err := programsDir(); err == nil {
		_ = os.RemoveAll(dir) // below the folder for temporary files
	}
	os.Exit(code)
}

// programsDir makes the folder of the programs.
var programsDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "bench-test-") })

var building sync.Mutex

// built builds programs into a folder that the tests share.
func built(t *testing.T, names ...string) (dir string) {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	dir, err := programsDir()
	if err == nil {
		err = lab.Build(t.Context(), dir, names...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestParts runs small versions of the parts replay and effects: a change of the product that
// breaks a part would be noticed at the next measurement only.
func TestParts(t *testing.T) {
	t.Parallel()
	bin, dir := built(t, "worker"), t.TempDir()
	for name, part := range map[string]func(ctx context.Context, dir string) error{
		"replay": func(ctx context.Context, sub string) error { return compareReplay(ctx, bin, sub, 20_000) },
		"effects": func(ctx context.Context, sub string) error {
			return drainOpens(ctx, bin, sub, opens{name: "effects", events: 2_000, people: 100, all: true, content: 1_000})
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
