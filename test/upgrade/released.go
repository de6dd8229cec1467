package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// released is the commit whose data counts as released.
const released = "c826c92bb8b76b44e792a99062a40a494b9645d1"

// buildReleased compiles the programs of a commit into dir.
func buildReleased(ctx context.Context, commit, dir string) error {
	root, err := output(ctx, "", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return fmt.Errorf("find the clone: %w", err)
	}
	return buildFrom(ctx, strings.TrimSpace(root), commit, dir)
}

// buildFrom compiles the programs of a commit of the clone in root into dir.
func buildFrom(ctx context.Context, root, commit, dir string) error {
	if _, err := output(ctx, root, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		return fmt.Errorf("commit %.7s, the old version, is not in this clone: run \"git fetch --depth 1 origin %s\" or \"git fetch --unshallow\"", commit, commit)
	}
	source, archive := filepath.Join(dir, "source"), filepath.Join(dir, "source.tar")
	if err := os.MkdirAll(source, 0o700); err != nil {
		return err
	}
	for _, step := range [][]string{
		{root, "git", "archive", "--format=tar", "-o", archive, commit},
		{source, "tar", "-xf", archive},
		{source, "go", "build", "-o", dir + "/", "./cmd/ingest", "./cmd/worker", "./cmd/cioctl"},
	} {
		if _, err := output(ctx, step[0], step[1], step[2:]...); err != nil {
			return fmt.Errorf("build version %.7s: %w", commit, err)
		}
	}
	return nil
}

// output runs a command in a folder and returns the standard output. The error
// contains the standard error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
