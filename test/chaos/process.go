package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A process is a program that is ended in all ways and started again.
type process struct {
	name  string
	path  string
	args  []string
	env   []string
	admin string // address of its admin listener, "" for none
	log   *os.File

	mu      sync.Mutex
	cmd     *exec.Cmd
	started time.Time
	ended   chan struct{} // closed when it has ended
}

func newProcess(dir, name, path string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	return &process{name: name, path: path, log: log}, nil
}

// start starts it, unless it runs.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return nil
	}
	cmd := exec.Command(p.path, p.args...) //nolint:gosec // it is ended by signals; the path is ours
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.started, p.ended = cmd, time.Now(), make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait() // ended by us: its status says nothing
		p.mu.Lock()
		p.cmd = nil
		p.mu.Unlock()
		close(ended)
	}(p.ended)
	return nil
}

// signal sends a signal; to one that does not run, none.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // it has just ended
	}
}

// end sends a signal and waits for the end of the process.
func (p *process) end(s syscall.Signal) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil {
		return
	}
	p.signal(s)
	select {
	case <-ended:
	case <-time.After(40 * time.Second): // longer than any program's grace
		p.signal(syscall.SIGKILL)
		<-ended
	}
}

// runs reports whether the process runs since a time.
func (p *process) runsSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.started.Before(t)
}

// ready reports whether the program says that it can do its work.
func (p *process) ready(ctx context.Context) bool {
	_, err := get(ctx, "http://"+p.admin+"/readyz")
	return err == nil
}

// usage is what a program must not need more of, the longer it runs.
type usage struct{ goroutines, files int }

var (
	goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)
	openFiles  = regexp.MustCompile(`(?m)^process_open_fds (\d+)`)
)

func (p *process) usage(ctx context.Context) (usage, error) {
	text, err := get(ctx, "http://"+p.admin+"/metrics")
	if err != nil {
		return usage{}, err
	}
	number := func(r *regexp.Regexp) int {
		n, _ := strconv.Atoi(string(r.FindSubmatch(text)[1])) // digits, says the expression
		return n
	}
	if !goroutines.Match(text) || !openFiles.Match(text) {
		return usage{}, fmt.Errorf("%s does not tell its goroutines and files", p.name)
	}
	return usage{goroutines: number(goroutines), files: number(openFiles)}, nil
}

var client = &http.Client{Timeout: time.Second}

// get returns what stands at a URL, and an error unless the status is 200.
func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody) //nolint:gosec // an address of ours
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return text, err
}

// waitFor asks again and again until the answer is yes.
func waitFor(ctx context.Context, what string, within time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !ok() {
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%s: not within %v", what, within)
		}
	}
	return nil
}

// pause waits for d and reports whether ctx has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
