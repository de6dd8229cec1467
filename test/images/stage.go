package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const newNetwork = syscall.CLONE_NEWNET

// stage runs this program as a part of the run, in namespaces of its own: the kernel ends
// the processes, mounts and networks of the part with the part, whatever ended it.
func stage(ctx context.Context, cfg config, name string, namespaces uintptr) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	temporary := filepath.Join(cfg.dir, "tmp")
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "--stage", name, "--dir", cfg.dir, "--messages", strconv.Itoa(cfg.messages))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(cmd.Environ(), "TMPDIR="+temporary) // where buildah has its caches
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | namespaces,
		Pdeathsig:  syscall.SIGKILL,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// isolated finishes the namespaces of a stage before its work. Mounts of the stage do not
// reach the host. crun refuses a host with both versions of cgroups, so crun sees the second
// version alone.
func isolated(work func() error) error {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{"proc", "/proc", "proc", 0},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", 0},
	} {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return work()
}
