// Package commands_test runs the commands of the README and of docs/, in the order of
// the pages, so that a command in a document works as printed. The test takes half a
// minute on two free processors, most of it the waits of cioctl person erase.
package commands_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// TestCommands runs the blocks of the documents one after the other, as a reader does,
// in a folder of their own beside a cioctl dev on free ports.
func TestCommands(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the commands take half a minute")
	}
	dir := t.TempDir()
	if err := lab.Build(t.Context(), filepath.Join(dir, "bin"), "cioctl"); err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile("(?s)```yaml\n(version: 1\nkey: .*?)```").FindStringSubmatch(read(t, "docs/configuration.md"))
	if policy == nil {
		t.Fatal("docs/configuration.md has no PRIVACY_FILE")
	}
	writeFile(t, filepath.Join(dir, "privacy.yaml"), policy[1])
	d := startDev(t, dir)
	for _, b := range readBlocks(t) {
		if code, runs := b.exit(); runs {
			d.run(t, b, code)
		}
	}
}

// patience bounds the start of cioctl dev and each block, on a machine that does other
// work at the same time.
const patience = 3 * time.Minute

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A desk is a folder with bin/cioctl, the environment of a reader's terminal, and the
// addresses that replace the ones of the documents.
type desk struct {
	dir       string
	env       lab.Env
	addresses *strings.Replacer
}

// startDev starts cioctl dev and waits until it is ready. Credentials of the machine are
// emptied, because with a real account the effects would be real.
func startDev(t *testing.T, dir string) *desk {
	t.Helper()
	fake := lab.FreeAddr()
	d := &desk{dir: dir, addresses: strings.NewReplacer("127.0.0.1:8081", fake), env: lab.Env{
		"INGEST_ADDR": lab.FreeAddr(), "ADMIN_ADDR": lab.FreeAddr(), "WORKER_ADMIN_ADDR": lab.FreeAddr(),
		"CONSOLE_ADDR": lab.FreeAddr(), "FAKE_TRACK_ADDR": fake, "NATS_URL": "nats://" + lab.FreeAddr(),
		"CUSTOMERIO_SITE_ID": "", "CUSTOMERIO_TRACK_API_KEY": "", "CUSTOMERIO_WORKSPACES": "", "WAREHOUSE_URL": "",
		"CUSTOMERIO_APP_URL": "http://" + fake, "CUSTOMERIO_APP_API_KEY": "any",
		"PRIVACY_KEY": strings.Repeat("k", 32), "HOME": dir,
	}}
	welcome, tell := io.Pipe()
	dev := &lab.Process{
		Name: "cioctl dev", Path: filepath.Join(dir, "bin", "cioctl"), Args: []string{"dev", "--data", filepath.Join(dir, "data")},
		Env: d.env, Stdout: tell, Stderr: io.Discard,
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Stop)
	hang := time.AfterFunc(patience, func() { _ = tell.CloseWithError(errors.New("no welcome in time")) })
	defer hang.Stop()
	for text, buffer := "", make([]byte, 1024); !strings.Contains(text, "cioevents is running"); {
		n, err := welcome.Read(buffer)
		if text += string(buffer[:n]); err != nil {
			t.Fatalf("cioctl dev: %v\n%s", err, text)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, welcome) }()
	return d
}

// run runs a block by bash -e at a terminal of script(1), because commands ask only
// there, and checks its exit code.
func (d *desk) run(t *testing.T, b block, want int) {
	t.Helper()
	file := filepath.Join(d.dir, "block.sh")
	writeFile(t, file, "PATH=$PWD/bin:$PATH\n"+d.addresses.Replace(b.commands))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "script", "--quiet", "--return", "--flush", "--command", "bash -e "+file, os.DevNull)
	shell.Dir = d.dir
	shell.Env = shell.Environ()
	for name, value := range d.env {
		shell.Env = append(shell.Env, name+"="+value)
	}
	keyboard, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{keyboard: keyboard}
	shell.Stdout, shell.Stderr = r, r
	started := time.Now()
	err = shell.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("run a block (install bsdutils for script): %v", err)
	}
	t.Logf("%s:%d: exit code %d after %v", b.document, b.line, shell.ProcessState.ExitCode(), time.Since(started).Round(time.Millisecond))
	if got := shell.ProcessState.ExitCode(); got != want {
		t.Errorf("%s:%d: exit code %d, want %d\n%s\n%s", b.document, b.line, got, want, b.commands, r.screen.String())
	}
}

// A reader looks at the screen and answers each question with yes.
type reader struct {
	screen   bytes.Buffer
	keyboard io.Writer
	answers  int
}

func (r *reader) Write(b []byte) (int, error) {
	n, err := r.screen.Write(b)
	for asked := bytes.Count(r.screen.Bytes(), []byte("[y/N] ")); r.answers < asked; r.answers++ {
		if _, e := fmt.Fprintln(r.keyboard, "y"); e != nil {
			err = cmp.Or(err, e)
		}
	}
	return n, err
}
