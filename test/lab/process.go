package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A Process is a program that a test starts, ends, starts again and measures from
// outside. The fields must be set before the first Start.
type Process struct {
	// Name identifies the process in errors.
	Name string
	// Path is the executable, Args are its arguments.
	Path string
	Args []string
	// Env is added to the environment of the test.
	Env Env
	// Addr is the address for clients, Admin the address of the admin listener, "" when
	// the program has no such listener.
	Addr, Admin string
	// Stdout receives the standard output; nil discards the output.
	Stdout io.Writer
	// Stderr receives the standard error. Default os.Stderr.
	Stderr io.Writer

	mu      sync.Mutex
	cmd     *exec.Cmd // nil while the process does not run
	started time.Time
	ended   chan struct{} // closed when the process has ended
}

// Self returns a process of this program in another role. The main function finds the
// role in the first argument.
func Self(role string, args ...string) (*Process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &Process{Name: role, Path: path, Args: append([]string{role}, args...)}, nil
}

// Start starts the process unless it runs.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return nil
	}
	cmd := exec.Command(p.Path, p.Args...) //nolint:gosec // The test chooses the program.
	cmd.Env = append(os.Environ(), p.Env.list()...)
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	cmd.SysProcAttr = endWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.cmd, p.started, p.ended = cmd, time.Now(), make(chan struct{})
	go p.wait(cmd, p.ended)
	return nil
}

func (p *Process) wait(cmd *exec.Cmd, ended chan<- struct{}) {
	_ = cmd.Wait() // The test ends the process by a signal, so the status says nothing.
	p.mu.Lock()
	p.cmd = nil
	p.mu.Unlock()
	close(ended)
}

// Signal sends a signal to the process if it runs.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // The process may just have ended.
	}
}

// grace is longer than any program of the product takes to shut down.
const grace = 40 * time.Second

// Stop asks the process to shut down and waits for its end. After 40 s Stop kills
// the process.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// Kill ends the process without a shutdown and waits for its end.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

func (p *Process) end(s syscall.Signal) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil {
		return // The process was never started.
	}
	p.Signal(s)
	select {
	case <-ended:
	case <-time.After(grace):
		p.Signal(syscall.SIGKILL)
		<-ended
	}
}

// RunsSince reports whether the process runs and was started before t.
func (p *Process) RunsSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.started.Before(t)
}

var errNotRunning = errors.New("the process does not run")

func (p *Process) pid() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0, errNotRunning
	}
	return p.cmd.Process.Pid, nil
}

// FreePort returns a free TCP port of 127.0.0.1, or 0 after an error.
func FreePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer ln.Close()
	if addr, ok := ln.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// FreeAddr returns 127.0.0.1 with a free TCP port.
func FreeAddr() string { return fmt.Sprintf("127.0.0.1:%d", FreePort()) }
