package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A builder makes images.
type builder struct {
	store

	// dir is the folder of the run, source the clone in it.
	dir, source string
	// root is the folder of Debian's packages, "" before the first use.
	root string
}

// build builds all targets of the Dockerfile from a clone of HEAD: .git of a worktree is
// elsewhere, and a change that is not committed is in no image.
func build(ctx context.Context, cfg config) error {
	b := &builder{store: store(cfg.dir), dir: cfg.dir, source: filepath.Join(cfg.dir, "source")}
	if err := os.RemoveAll(b.source); err != nil {
		return err
	}
	// An earlier run in this folder may have been killed.
	if _, err := b.buildah(ctx, "rm", "--all"); err != nil {
		return err
	}
	if err := do(ctx, "git", "clone", "--quiet", ".", b.source); err != nil {
		return err
	}
	dockerfile, err := os.ReadFile(filepath.Join(b.source, "Dockerfile"))
	if err != nil {
		return err
	}
	list, targets := bases(string(dockerfile))
	for _, image := range list {
		if err := b.provide(ctx, image); err != nil {
			return err
		}
	}
	if err := b.shareCaches(ctx); err != nil {
		return err
	}
	for _, target := range targets {
		started := time.Now()
		if _, err := b.buildah(ctx, "bud", "--isolation", "chroot", "--pull-never", "--layers",
			"--target", target, "--tag", name(target), b.source); err != nil {
			return err
		}
		fmt.Printf("build %s: %.0f s\n", target, time.Since(started).Seconds())
	}
	return nil
}

// shareCaches puts the caches of this machine's Go in place of the caches of the Dockerfile,
// which buildah stores below TMPDIR by their path in the build. Otherwise each build
// downloads and compiles all modules.
func (b *builder) shareCaches(ctx context.Context) error {
	for variable, path := range map[string]string{"GOMODCACHE": "go/pkg/mod", "GOCACHE": "root/.cache/go-build"} {
		cache, err := output(ctx, "go", "env", variable)
		if err != nil {
			return err
		}
		target := filepath.Join(b.dir, "tmp", "buildah-cache", path)
		if err := errors.Join(os.MkdirAll(cache, 0o755), os.MkdirAll(target, 0o755)); err != nil { //nolint:gosec // as Go makes them
			return err
		}
		if err := syscall.Mount(cache, target, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", cache, err)
		}
	}
	return nil
}

// name returns the name of the image of a target.
func name(target string) string { return "localhost/cioevents/" + target }
