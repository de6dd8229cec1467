package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A container is a container of crun that a stage runs.
type container struct {
	name, dir string
	// addr is the address in the network, "" for a container without a network.
	addr  string
	pid   int
	ended chan syscall.WaitStatus // has the status once
}

// An order is what a container runs.
type order struct {
	name, root string
	user       string // two numbers
	args, env  []string
	cwd        string
	mounts     []mount
	addr       string
}

// A mount is a mount of a container in the form of the OCI runtime specification.
type mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

// bind mounts a file or a folder, with "ro" or "rw".
func bind(source, target, mode string) mount {
	return mount{target, "bind", source, []string{"rbind", mode}}
}

// spec returns config.json: a read-only root, no capabilities and no new privileges, as
// docker-compose.yml and the manifests say.
func (o order) spec() ([]byte, error) {
	var uid, gid int
	if _, err := fmt.Sscanf(o.user, "%d:%d", &uid, &gid); err != nil {
		return nil, fmt.Errorf("invalid user %q of %s: want two numbers such as 65532:65532: %w", o.user, o.name, err)
	}
	type object = map[string]any
	var namespaces []object
	for kind := range strings.FieldsSeq("pid network ipc uts mount") {
		namespaces = append(namespaces, object{"type": kind})
	}
	return json.Marshal(object{
		"ociVersion": "1.0.2", "hostname": o.name,
		"root": object{"path": o.root, "readonly": true},
		"process": object{
			"user": object{"uid": uid, "gid": gid}, "args": o.args, "env": o.env, "cwd": o.cwd,
			"capabilities": object{"bounding": []string{}}, "noNewPrivileges": true,
		},
		"mounts": append([]mount{
			{"/proc", "proc", "proc", nil},
			{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "mode=755", "size=64k"}},
			{"/sys", "sysfs", "sysfs", []string{"nosuid", "noexec", "nodev", "ro"}},
		}, o.mounts...),
		"linux": object{"namespaces": namespaces},
	})
}

// crun runs the container runtime. Without cgroups nothing limits the containers' memory.
func crun(ctx context.Context, dir string, args ...string) (string, error) {
	return output(ctx, "crun", append([]string{"--cgroup-manager=disabled", "--root", filepath.Join(dir, "crun")}, args...)...)
}

// start starts a container, whose output goes to a file.
func (o order) start(ctx context.Context, dir string) (*container, error) {
	config, err := o.spec()
	if err != nil {
		return nil, err
	}
	c := &container{name: o.name, dir: dir, addr: o.addr, ended: make(chan syscall.WaitStatus, 1)}
	if err := errors.Join(write(c.bundle(), "config.json", string(config), 0o600), os.RemoveAll(c.log())); err != nil {
		return nil, err
	}
	pidFile := filepath.Join(c.bundle(), "pid")
	// The process of the container has the output of crun, which ends before.
	if err := do(ctx, "sh", "-c", `exec "$@" > "$0" 2>&1`, c.log(), "crun", "--cgroup-manager=disabled", "--root", filepath.Join(dir, "crun"),
		"create", "--bundle", c.bundle(), "--pid-file", pidFile, c.name); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.output())
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscan(string(text), &c.pid); err != nil {
		return nil, fmt.Errorf("read the process of %s: %w", c.name, err)
	}
	go c.wait()
	if c.addr != "" {
		if err := join(ctx, c); err != nil {
			return nil, err
		}
	}
	_, err = crun(ctx, dir, "start", c.name)
	return c, err
}

func (c *container) bundle() string { return filepath.Join(c.dir, "bundles", c.name) }
func (c *container) log() string    { return filepath.Join(c.dir, c.name+".log") }

// wait waits for the process, a child of this process: crun has ended, and this process is
// the first of its namespace.
func (c *container) wait() {
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(c.pid, &status, 0, nil); !errors.Is(err, syscall.EINTR) {
			c.ended <- status
			return
		}
	}
}

// exit waits for the end of a container and returns its exit code.
func (c *container) exit(ctx context.Context, within time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	select {
	case status := <-c.ended:
		_, err := crun(context.WithoutCancel(ctx), c.dir, "delete", "--force", c.name)
		if status.Signaled() {
			return 128 + int(status.Signal()), err
		}
		return status.ExitStatus(), err
	case <-ctx.Done():
		return 0, fmt.Errorf("%s does not end within %v", c.name, within)
	}
}

// stop sends SIGTERM and returns the time until the end. Docker would kill the container
// after grace.
func (c *container) stop(ctx context.Context, grace time.Duration) (time.Duration, error) {
	started := time.Now()
	if _, err := crun(ctx, c.dir, "kill", c.name, "TERM"); err != nil {
		return 0, err
	}
	code, err := c.exit(ctx, grace)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s ends with exit code %d:\n%s", c.name, code, c.output())
	}
	return time.Since(started), err
}

// healthy waits until the command of the health check succeeds inside the container.
func (c *container) healthy(ctx context.Context, command []string) error {
	return lab.WaitFor(ctx, c.name+" is healthy", time.Minute, func() error {
		_, err := crun(ctx, c.dir, append([]string{"exec", c.name}, command...)...)
		return err
	})
}

// output returns the end of what the container has printed.
func (c *container) output() string {
	text, err := os.ReadFile(c.log())
	if err != nil {
		return err.Error()
	}
	return tail(string(text))
}
