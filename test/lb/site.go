package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/tlstest"
	"github.com/cioevents/cioevents/test/lab"
)

// A site is a place where a load balancer runs.
type site struct {
	dir, addr string
	ingests   [ingests]string // the addresses
}

func (s site) port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// configure writes the configuration and returns the process of the load balancer, which
// is not started.
func (b balancer) configure(s site, configs string) (*lab.Process, error) {
	program, err := find(b.program)
	if err != nil {
		return nil, err
	}
	path, err := b.write(s, configs)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, b.name+".log"))
	if err != nil {
		return nil, err
	}
	return &lab.Process{
		Name: b.name, Path: program, Args: b.args(s, path), Env: lab.Env{"HOME": s.dir},
		Addr: s.addr, Stdout: log, Stderr: log,
	}, nil
}

// find returns the path of a program. Debian installs servers where the PATH of a user
// does not lead.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		return "", fmt.Errorf("find %s (apt-get install nginx haproxy caddy varnish): %w", program, err)
	}
	return path, nil
}

// write writes the documented configuration with the addresses and folders of the test,
// and returns the path of the file to start with.
func (b balancer) write(s site, configs string) (path string, err error) {
	text, err := os.ReadFile(filepath.Join(configs, b.file))
	if err != nil {
		return "", err
	}
	changed, err := b.adapt(string(text), s)
	if err != nil {
		return "", err
	}
	page, err := os.ReadFile(filepath.Join(configs, "503.http"))
	if err != nil {
		return "", err
	}
	cert, key, err := tlstest.Make(1, time.Now().Add(time.Hour))
	if err != nil {
		return "", err
	}
	files := map[string][]byte{
		"site": []byte(changed), "503.http": page,
		"webhooks.key": key, "webhooks.pem": append(cert, key...), // HAProxy wants both in one file.
	}
	start := "site"
	if b.wrapper != nil {
		start = "wrapper"
		files[start] = []byte(b.wrapper(s))
	}
	return filepath.Join(s.dir, start), writeAll(s.dir, files)
}

func writeAll(dir string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// adapt replaces the addresses and folders of a documented configuration.
func (b balancer) adapt(text string, s site) (string, error) {
	pairs := []string{"10.0.0.11:8080", s.ingests[0], "10.0.0.12:8080", s.ingests[1]}
	if b.replace != nil {
		pairs = append(pairs, b.replace(s)...)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			return "", fmt.Errorf("adapt %s: no %q", b.file, pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}
