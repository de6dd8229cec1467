package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	from      = regexp.MustCompile(`(?m)(?:^FROM |--from=)(\S+)`) //nolint:gocritic // --from= is within a line
	stageName = regexp.MustCompile(`(?m)^FROM \S+ AS (\S+)$`)
)

// bases returns the images that a Dockerfile takes from registries, and targets the names of
// the images that it builds.
func bases(dockerfile string) (list, targets []string) {
	for _, m := range stageName.FindAllStringSubmatch(dockerfile, -1) {
		targets = append(targets, m[1])
	}
	for _, m := range from.FindAllStringSubmatch(dockerfile, -1) {
		if !slices.Contains(targets, m[1]) && !slices.Contains(list, m[1]) {
			list = append(list, m[1])
		}
	}
	return list, slices.DeleteFunc(targets, func(t string) bool { return t == "build" })
}

// qualified returns the name of an image with its registry, which Docker leaves out.
func qualified(image string) string {
	if first, _, _ := strings.Cut(image, "/"); strings.Contains(first, ".") {
		return image
	}
	return "docker.io/library/" + image
}

// provide puts a base image into the store: from its registry, or a stand-in where the
// registry cannot be reached.
func (b *builder) provide(ctx context.Context, image string) error {
	if b.has(ctx, image) {
		return nil
	}
	name := qualified(image)
	registry, _, _ := strings.Cut(name, "/")
	if reachable(ctx, registry) {
		fmt.Printf("pull %s\n", name)
		if _, err := b.buildah(ctx, "pull", "--quiet", name); err != nil {
			return err
		}
		_, err := b.buildah(ctx, "tag", name, image)
		return err
	}
	fmt.Printf("make a stand-in for %s\n", image)
	return b.standIn(ctx, image)
}

// reachable reports whether a registry answers within 5 s.
func reachable(ctx context.Context, registry string) bool {
	if registry == "docker.io" {
		registry = "registry-1.docker.io"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+registry+"/v2/", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

// standIn makes an image in place of a base image, of Debian's packages.
func (b *builder) standIn(ctx context.Context, image string) error {
	name := image[strings.LastIndex(image, "/")+1:]
	name, tag, _ := strings.Cut(name, ":")
	fill, ok := map[string]func(ctx context.Context, root string) ([]string, error){
		"golang":          b.golang,
		"static-debian12": b.static,
		"cc-debian12":     b.cc,
		"busybox":         b.busybox,
		"nats":            func(ctx context.Context, root string) ([]string, error) { return b.nats(ctx, root, tag) },
	}[name]
	if !ok {
		return fmt.Errorf("there is no stand-in for %s", image)
	}
	container, err := b.buildah(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	root, err := b.buildah(ctx, "mount", container)
	if err != nil {
		return err
	}
	settings, err := fill(ctx, root)
	if err != nil {
		return fmt.Errorf("make a stand-in for %s: %w", image, err)
	}
	if _, err := b.buildah(ctx, append(append([]string{"config"}, settings...), container)...); err != nil {
		return err
	}
	_, err = b.buildah(ctx, "commit", "--quiet", "--rm", container, image)
	return err
}

// debian returns the folder of a Debian 12 with a compiler, which it makes once. The folder
// is in memory: dpkg syncs each file to the disk.
func (b *builder) debian(ctx context.Context) (string, error) {
	if b.root != "" {
		return b.root, nil
	}
	root := filepath.Join(b.dir, "debian")
	if err := os.MkdirAll(root, 0o755); err != nil { //nolint:gosec // a root that others must read
		return "", err
	}
	if err := do(ctx, "mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "debian", root); err != nil {
		return "", err
	}
	const include = "git,gcc,g++,libc6-dev,ca-certificates,netbase,tzdata,libgomp1,libssl3,busybox-static"
	if err := do(ctx, "debootstrap", "--variant=minbase", "--include="+include, "bookworm", root, "http://deb.debian.org/debian"); err != nil {
		return "", err
	}
	b.root = root
	return root, os.RemoveAll(filepath.Join(root, "var", "cache", "apt", "archives"))
}
