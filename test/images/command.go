package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// output runs a program and returns its standard output without the last line break. The
// error of a program has the end of its messages.
func output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, tail(stderr.String()+stdout.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// do runs a program without regard to its output.
func do(ctx context.Context, program string, args ...string) error {
	_, err := output(ctx, program, args...)
	return err
}

// tail returns the last lines of a text, 2,000 bytes at most.
func tail(text string) string {
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return strings.TrimSpace(text)
}

// A store is a place of buildah's images and containers.
type store string

func (s store) buildah(ctx context.Context, args ...string) (string, error) {
	return output(ctx, "buildah", append([]string{"--root", string(s) + "/images", "--runroot", string(s) + "/containers"}, args...)...)
}

// has reports whether the store has an image.
func (s store) has(ctx context.Context, image string) bool {
	_, err := s.buildah(ctx, "inspect", "--type", "image", image)
	return err == nil
}
