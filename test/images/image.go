package main

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// An image is a built image, mounted.
type image struct {
	target, root string
	config       imageConfig
}

// An imageConfig is what an image says about its start, of the OCI image specification.
type imageConfig struct {
	User, WorkingDir     string
	Entrypoint, Cmd, Env []string
}

// open mounts the image of a target.
func (s store) open(ctx context.Context, target string) (*image, error) {
	text, err := s.buildah(ctx, "inspect", "--type", "image", name(target))
	if err != nil {
		return nil, err
	}
	var found struct{ OCIv1 struct{ Config imageConfig } }
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, fmt.Errorf("read the configuration of %s: %w", target, err)
	}
	container, err := s.buildah(ctx, "from", "--pull-never", name(target))
	if err != nil {
		return nil, err
	}
	root, err := s.buildah(ctx, "mount", container)
	return &image{target, root, found.OCIv1.Config}, err
}

// order returns an order of the image with other arguments than those of the image.
func (i *image) order(args ...string) order {
	if len(args) == 0 {
		args = i.config.Cmd
	}
	return order{
		name: i.target, root: i.root, user: i.config.User, args: slices.Concat(i.config.Entrypoint, args),
		env: i.config.Env, cwd: "/" + strings.TrimPrefix(i.config.WorkingDir, "/"),
	}
}

// size returns the bytes of all files, without compression.
func (i *image) size() (bytes int64, err error) {
	seen := map[uint64]bool{} // the inodes: a file may have several names
	err = filepath.WalkDir(i.root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() && !seen[stat.Ino] {
			seen[stat.Ino] = true
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}

// programs are the programs of this repository, of which each image has one.
var programs = []string{"ingest", "worker", "cioctl"}

// check returns an error if the image contains too much or too little.
func (i *image) check() error {
	var mistakes []error
	own, compose := strings.CutSuffix(i.target, "-compose")
	tool := "" // for the health check
	switch {
	case own == "nats":
		tool = "bin/sh"
	case compose:
		tool = "busybox"
	}
	for _, path := range append(slices.Clone(programs), "busybox", "bin/sh") {
		_, err := os.Lstat(filepath.Join(i.root, path))
		if has := err == nil; has != (path == own || path == tool) {
			mistakes = append(mistakes, fmt.Errorf("%s: /%s is there: %t", i.target, path, has))
		}
	}
	if !slices.Contains(programs, own) {
		return errors.Join(mistakes...)
	}
	return errors.Join(append(mistakes, i.libraries(own))...)
}

// libraryFolders are the folders in which the loader of Debian looks.
var libraryFolders = []string{"lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib"}

// libraries returns an error if the image lacks a library that a program, or a library of
// the program, needs.
func (i *image) libraries(program string) error {
	left, seen := []string{program}, map[string]bool{}
	for len(left) > 0 {
		f, err := elf.Open(filepath.Join(i.root, left[0]))
		if err != nil {
			return fmt.Errorf("%s: read %s: %w", i.target, left[0], err)
		}
		names, err := f.ImportedLibraries()
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: read %s: %w", i.target, left[0], err)
		}
		left = left[1:]
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			path, err := i.find(name)
			if err != nil {
				return err
			}
			left = append(left, path)
		}
	}
	return nil
}

// find returns the path of a library in the image. A link with an absolute path leads out
// of the image, and counts as the file that it names in the image.
func (i *image) find(library string) (string, error) {
	for _, folder := range libraryFolders {
		path := filepath.Join(folder, library)
		if to, err := os.Readlink(filepath.Join(i.root, path)); err == nil && filepath.IsAbs(to) {
			path = to
		}
		if _, err := os.Stat(filepath.Join(i.root, path)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s lacks the library %s", i.target, library)
}
