package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// container returns the order of a service. Further arguments replace its command.
func (s *services) container(ctx context.Context, name string, args ...string) (order, error) {
	v := s.Services[name]
	if !v.ReadOnly || !slices.Contains(v.CapDrop, "ALL") || !slices.Contains(v.SecurityOpt, "no-new-privileges:true") {
		return order{}, fmt.Errorf("%s is not hardened", name)
	}
	o := s.images[v.Build.Target].order(append(slices.Clone(v.Command), args...)...)
	o.name, o.addr = name, address(slices.Index(s.names(), name))
	if v.User != "" {
		o.user = v.User
	}
	for key, value := range v.Environment {
		o.env = append(o.env, key+"="+value)
	}
	o.mounts = []mount{bind(filepath.Join(s.dir, "hosts"), "/etc/hosts", "ro")}
	for _, text := range v.Volumes {
		m, err := s.volume(ctx, o.root, text)
		if err != nil {
			return order{}, err
		}
		o.mounts = append(o.mounts, m)
	}
	return o, nil
}

func (s *services) volumes() string { return filepath.Join(s.dir, "volumes") }

// volume returns the mount of SOURCE:TARGET or SOURCE:TARGET:ro. A new named volume begins
// as a copy of the image's folder, as with Docker.
func (s *services) volume(ctx context.Context, root, text string) (mount, error) {
	source, target, _ := strings.Cut(text, ":")
	target, mode, limited := strings.Cut(target, ":")
	if !limited {
		mode = "rw"
	}
	if strings.HasPrefix(source, "./") {
		return bind(filepath.Join(s.source, source), target, mode), nil
	}
	volume := filepath.Join(s.volumes(), source)
	if _, err := os.Stat(volume); err == nil {
		return bind(volume, target, mode), nil
	}
	if err := os.MkdirAll(s.volumes(), 0o755); err != nil { //nolint:gosec // the users of the containers must get to the volumes
		return mount{}, err
	}
	return bind(volume, target, mode), do(ctx, "cp", "-a", filepath.Join(root, target), volume)
}
