package main

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/doctor"
)

// startStack runs cioctl dev with its data in dir.
func startStack(t *testing.T, dir string, more ...string) *dev.Stack {
	t.Helper()
	var cfg dev.Config
	set := config.New("dev", func(string) string { return "" })
	cfg.Declare(set)
	err := set.Parse(append([]string{
		"--data=" + dir, "--ingest-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0", "--worker-admin-addr=127.0.0.1:0",
		"--nats-url=nats://127.0.0.1:0", "--fake-track-addr=127.0.0.1:0", "--console-addr=127.0.0.1:0",
	}, more...))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := dev.New(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- stack.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return stack
}

// The commands set up the webhook of a development stack: created once, disabled until
// the key is there, and its sample event has a row.
func TestWebhookSetUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, dir)
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "CUSTOMERIO_APP_API_KEY": "app-key",
		"WAREHOUSE_URL": "duckdb:" + filepath.Join(dir, "customerio.duckdb"),
	}}
	ensure := []string{"webhook", "ensure", "--url", stack.WebhookURL()}
	for i, want := range []string{"created", "unchanged"} {
		got := read[doctor.Ensured](s, ensure...)
		if got.Change != want || !got.Disabled || len(stack.App.Webhooks()) != 1 {
			t.Errorf("run %d: %s, disabled %t, %d webhooks", i, got.Change, got.Disabled, len(stack.App.Webhooks()))
		}
	}
	if _, errs, _ := s.run(ensure...); !strings.Contains(errs, "The webhook is disabled until CUSTOMERIO_WEBHOOK_SECRET is set: copy the signing key") {
		t.Errorf("ensure does not say where the key is: %s", errs)
	}
	if out := s.ok("webhook", "list"); !strings.Contains(out, "warning: webhook 1: disabled: no event is sent") || !strings.Contains(out, "  72      disabled  yes") {
		t.Errorf("list shows\n%s", out)
	}
	s.wrong("CUSTOMERIO_WEBHOOK_SECRET: is required", "webhook", "test", "--url", stack.WebhookURL())
	s.env["CUSTOMERIO_WEBHOOK_SECRET"] = "wrong"
	if _, errs, code := s.run("webhook", "test", "--url", stack.WebhookURL()); code != 1 || !strings.Contains(errs, "401") {
		t.Errorf("wrong key: exit code %d, %s", code, errs)
	}
	s.env["CUSTOMERIO_WEBHOOK_SECRET"] = dev.DefaultKey
	trial := read[webhookTrial](s, "webhook", "test", "--url", stack.WebhookURL())
	if out := s.ok("query", trial.Query); trial.Row == 0 || !strings.Contains(out, trial.EventID) {
		t.Errorf("trial %+v, its row\n%s", trial, out)
	}
	for i, want := range []string{"updated:", "unchanged:"} {
		if out := s.ok(ensure...); !strings.HasPrefix(out, want) || !strings.Contains(out, "enabled") || strings.Contains(out, "warning") {
			t.Errorf("run %d with the key:\n%s", i, out)
		}
	}
}

// Each workspace has its own key, and a mistake names the variable.
func TestWebhookOfAWorkspace(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{Key: "acme-key"})
	fake.SeedWebhooks(customeriotest.Webhook{Name: "crm\x1b[2J", Endpoint: "https://user:hunter2@crm.example.com/in"})
	server := httptest.NewServer(fake)
	defer server.Close()
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_ACME_APP_API_KEY": "acme-key", "CUSTOMERIO_APP_URL": server.URL,
	}}
	out := s.ok("webhook", "list", "--workspace", "acme")
	if !strings.Contains(out, "crm") || strings.Contains(out, "\x1b") || strings.Contains(out, "hunter2") {
		t.Errorf("list shows %q", out)
	}
	s.wrong(`invalid --workspace "": want acme or globex`, "webhook", "list")
	s.wrong("CUSTOMERIO_GLOBEX_APP_API_KEY: is required: create a key", "webhook", "list", "--workspace", "globex")
	s.wrong("invalid --url: want an http or https address such as https://hooks.example.com/webhooks/customerio", "webhook", "ensure", "--workspace", "acme")
	s.env["CUSTOMERIO_ACME_APP_API_KEY"] = "other"
	if _, errs, code := s.run("webhook", "list", "--workspace", "acme"); code != 1 || !strings.Contains(errs, "the App API key is not accepted") {
		t.Errorf("another key: exit code %d, %s", code, errs)
	}
	for _, url := range []string{"https://hooks.example.com", "https://hooks.example.com/"} {
		s.wrong("--url: has no path: ingest answers at /webhooks/customerio", "webhook", "ensure", "--url", url)
	}
	if out := s.ok("webhook", "ensure", "--help"); !strings.Contains(out, "--dry-run") {
		t.Error(out)
	}
}
