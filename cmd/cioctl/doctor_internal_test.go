package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/doctor"
)

// On a healthy development stack nothing is wrong, also with the settings of both
// programs.
func TestDoctorOnAHealthyStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, dir)
	s := &shell{t: t, url: stack.NATSURL(), env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "CUSTOMERIO_TRACK_URL": stack.FakeURL(), "CUSTOMERIO_APP_API_KEY": "hunter2",
		"CUSTOMERIO_WEBHOOK_SECRET": dev.DefaultKey, "CUSTOMERIO_SITE_ID": "hunter3", "CUSTOMERIO_TRACK_API_KEY": "hunter4",
		"WAREHOUSE_URL": "duckdb:" + filepath.Join(dir, "customerio.duckdb"),
	}}
	awaitHealthy(t, s)
	s.ok("webhook", "ensure", "--url", stack.WebhookURL())
	s.ok("webhook", "test", "--url", stack.WebhookURL())
	out := s.ok("doctor", "--url", stack.WebhookURL())
	// The disk of this machine may be nearly full, of which doctor warns.
	warned, full := strings.Count(out, "→"), strings.Count(out, "→ free disk space before the disk is full")
	if !strings.Contains(out, fmt.Sprintf(" ok, %d warning", full)) || !strings.Contains(out, ", 0 failures") || warned != full || strings.Contains(out, "\x1b") {
		t.Errorf("doctor:\n%s", out)
	}
	for _, secret := range []string{dev.DefaultKey, "hunter2", "hunter3", "hunter4"} {
		if strings.Contains(out, secret) {
			t.Errorf("doctor shows a secret:\n%s", out)
		}
	}
	got := read[findings](s, "doctor", "--only", "nats,clock")
	for _, f := range got.Findings {
		if f.Group != "clock" && f.Group != "nats" || f.State != doctor.OK || f.Detail == "" || f.Check == "" {
			t.Errorf("finding %+v", f)
		}
	}
	if len(got.Findings) != 6 || got.OK != 6 || got.Failures+got.Warnings+got.Skipped != 0 {
		t.Errorf("--only nats,clock: %+v", got)
	}
}

// awaitHealthy waits until the worker of a new stack has created its consumers.
func awaitHealthy(t *testing.T, s *shell) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		out, _, code := s.run("status")
		if code == 0 && strings.Contains(out, "warehouse") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the stack does not start:\n%s", out)
		}
	}
}

// With servers that take connections and never answer, doctor ends in time, names each,
// and fails. The settings of a program are checked where there are any.
func TestDoctorWithoutAnswers(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &shell{t: t, url: "nats://operator:hunter2@" + ln.Addr().String(), env: map[string]string{
		"CUSTOMERIO_APP_URL": "http://" + ln.Addr().String(), "ALLOWED_NETWORKS": "10.0.0.1/8", "WORKER_CONSUMERS": "warehouse", "STREAM_REPLICAS": "7",
	}}
	start := time.Now()
	out, errs, code := s.run("doctor")
	if took := time.Since(start); code != 1 || took > 10*time.Second {
		t.Errorf("exit code %d after %v", code, took)
	}
	for _, want := range []string{
		"config ingest fail CUSTOMERIO_WEBHOOK_SECRET: is required", `fail invalid ALLOWED_NETWORKS "10.0.0.1/8"`, `config worker fail invalid STREAM_REPLICAS "7"`,
		"nats connection fail no connection to nats://127.0.0.1:", "→ check that NATS runs",
		"clock Customer.io warn no answer of http://127.0.0.1:", "5 failures, ",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "cioctl: doctor found 5 failures") || strings.Contains(out+errs, "hunter2") {
		t.Errorf("%s\n%s", out, errs)
	}
	s.wrong(`invalid --only "nat": want config, clock, nats, stream, customerio, webhook, warehouse or work`, "doctor", "--only", "nats,nat")
	if out := s.ok("__complete", "doctor", "--only", ""); !strings.HasPrefix(out, "config\nclock\nnats\n") {
		t.Errorf("completion of --only:\n%s", out)
	}
}

// The kind of fault: an operator's own settings, for other commands, pass for a worker's,
// and the worker's missing credentials for a failure.
func TestDoctorOnAnOperatorsMachine(t *testing.T) {
	t.Parallel()
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_API_KEY_FILE": "/dev/null", "CUSTOMERIO_APP_API_KEY": "key", "CUSTOMERIO_APP_URL": "http://127.0.0.1:1", "APP_API_RATE": "2",
		"CUSTOMERIO_REGION": "eu", "CUSTOMERIO_TRACK_URL": "http://127.0.0.1:1", "WAREHOUSE_URL": "duckdb:x", "INGEST_ADDR": "127.0.0.1:1", "STREAM_MAX_AGE": "24h",
	}}
	for _, f := range read[findings](s, "doctor", "--only", "config").Findings {
		if want := map[string]doctor.State{"ingest": doctor.Skip, "worker": doctor.Skip}[f.Check]; want != "" && f.State != want {
			t.Errorf("finding %+v, want %s", f, want)
		}
	}
	s.env["WORKER_CONSUMERS"] = "warehouse"
	if out := s.ok("doctor", "--only", "config"); !strings.Contains(strings.Join(strings.Fields(out), " "), "config worker ok the settings are valid") {
		t.Errorf("with a setting of the worker:\n%s", out)
	}
}

// The kind of fault: a setting that cannot be read leaves a group without a check, and the
// group seems healthy.
func TestDoctorOfAWrongSetting(t *testing.T) {
	t.Parallel()
	for group, env := range map[string][2]string{
		"warehouse":  {"WAREHOUSE_URL", "duckdb:"},
		"customerio": {"CUSTOMERIO_WORKSPACES", "a,a"},
	} {
		s := &shell{t: t, env: map[string]string{env[0]: env[1]}}
		out, _, code := s.run("doctor", "--only", group)
		if code != 1 || !strings.Contains(strings.Join(strings.Fields(out), " "), "config cioctl fail invalid "+env[0]) {
			t.Errorf("%s: exit code %d\n%s", group, code, out)
		}
	}
}

// After Ctrl-C doctor tells of no fault: an interrupted check has found nothing.
func TestDoctorInterrupted(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &shell{t: t, url: "nats://" + ln.Addr().String(), env: map[string]string{"CUSTOMERIO_APP_URL": "http://" + ln.Addr().String(), "CUSTOMERIO_APP_API_KEY": "k"}}
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, stop)
	out, errs, code := s.runIn(ctx, strings.NewReader(""), "doctor")
	if code != 1 || !strings.Contains(errs, "cioctl: interrupted") || !strings.Contains(out, ", 0 warnings, 0 failures") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}
