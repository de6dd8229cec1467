package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// startWithin is the longest time to start a program, print the version, and end.
const startWithin = 30 * time.Second

// mib is the unit of sizes.
const mib = 1 << 20

// maxIngest is the largest size of the image of ingest.
const maxIngest = 25 * mib

// check checks each image by itself and then all services together.
func check(ctx context.Context, cfg config) error {
	s, source := store(cfg.dir), filepath.Join(cfg.dir, "source")
	dockerfile, err := os.ReadFile(filepath.Join(source, "Dockerfile"))
	if err != nil {
		return err
	}
	if err := makeBridge(ctx); err != nil {
		return err
	}
	_, targets := bases(string(dockerfile))
	images := map[string]*image{}
	for _, target := range targets {
		i, err := s.open(ctx, target)
		if err != nil {
			return err
		}
		if err := i.checkAlone(ctx, cfg.dir); err != nil {
			return err
		}
		images[target] = i
	}
	return runServices(ctx, cfg, source, images)
}

// checkAlone checks the content, the size and the start of an image.
func (i *image) checkAlone(ctx context.Context, dir string) error {
	if err := i.check(); err != nil {
		return err
	}
	size, err := i.size()
	if err != nil {
		return err
	}
	if i.target == "ingest" && size > maxIngest {
		return fmt.Errorf("the image of ingest has %d bytes, want %d at most", size, maxIngest)
	}
	o := i.order("--version")
	if !strings.Contains(o.user, ":") {
		o.user += ":" + o.user
	}
	c, err := o.start(ctx, dir)
	if err != nil {
		return err
	}
	code, err := c.exit(ctx, startWithin)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s --version ends with exit code %d:\n%s", i.target, code, c.output())
	}
	if err != nil {
		return err
	}
	version, _, _ := strings.Cut(c.output(), "\n")
	fmt.Printf("image %-15s %6.1f MiB, user %s: %s\n", i.target, float64(size)/mib, o.user, version)
	return nil
}
