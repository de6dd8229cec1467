package dev_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// configOf returns the configuration of a stack with its data in dir. The stack listens
// on free ports unless the flags name other ports.
func configOf(t *testing.T, dir string, flags ...string) (cfg dev.Config) {
	t.Helper()
	set := config.New("dev", func(string) string { return "" })
	cfg.Declare(set)
	err := set.Parse(append([]string{
		"--data=" + dir, "--ingest-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0", "--worker-admin-addr=127.0.0.1:0",
		"--nats-url=nats://127.0.0.1:0", "--fake-track-addr=127.0.0.1:0", "--console-addr=127.0.0.1:0",
	}, flags...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start runs a stack with its data in dir until the returned function is called.
func start(t *testing.T, dir string) (s *dev.Stack, stop func()) {
	t.Helper()
	s, err := dev.New(configOf(t, dir), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the stack ended with: %v", err)
		}
	}
}

func TestSecondStartKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"email_bounced_hard", "email_spammed"} {
		s, stop := start(t, dir)
		report, err := operate.Sender{URL: s.WebhookURL(), Key: dev.DefaultKey, Retries: 10}.Send(t.Context(), slices.Values([][]byte{webhooktest.Get(name)}))
		if err != nil || report.Sent != 1 {
			t.Fatalf("send: %+v, %v", report, err)
		}
		awaitDrained(t, s)
		stop()
	}
	table, err := duckdb.Query(t.Context(), dir+"/customerio.duckdb", "SELECT metric FROM customerio_events ORDER BY metric")
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 2 || table.Rows[0][0] != "bounced" || table.Rows[1][0] != "spammed" {
		t.Errorf("rows are %v, want those of both starts", table.Rows)
	}
}

// The fake App API knows the campaign that a sender has simulated, also after a restart,
// and the fake Track API answers at the same address.
func TestAppAPIKnowsTheCampaign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"Campaign 7", "Campaign 8"} {
		s, stop := start(t, dir)
		id := int64(name[len(name)-1] - '0')
		campaign := webhooktest.Campaign{Deliveries: 20, CampaignID: id}
		if _, err := (operate.Sender{URL: s.WebhookURL(), Key: dev.DefaultKey, Retries: 10}).Send(t.Context(), campaign.Events()); err != nil {
			t.Fatal(err)
		}
		awaitDrained(t, s)
		app, err := customerio.NewApp(customerio.AppConfig{Key: "any", URL: s.FakeURL()})
		if err != nil {
			t.Fatal(err)
		}
		awaitNames(t, app, "Campaign 7", name)
		stop()
	}
}

// awaitNames waits until the App API knows all names.
func awaitNames(t *testing.T, app *customerio.App, names ...string) {
	t.Helper()
	for range 50 { // at the rate of the API: 5 calls a second
		var known []string
		for s, err := range app.Sources(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, s.Name)
		}
		if !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) }) {
			return
		}
	}
	t.Fatalf("the App API does not know %v", names)
}

func awaitDrained(t *testing.T, s *dev.Stack) {
	t.Helper()
	conn, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not drained after 30 s")
		}
		status, err := conn.Status(t.Context())
		if err != nil || len(status.Consumers) < 3 {
			continue
		}
		if lag := status.Consumers[0].Lag + status.Consumers[1].Lag + status.Consumers[2].Lag; lag == 0 && hasAll(t, conn) {
			return
		}
	}
}

// hasAll reports whether the warehouse has settled the last event. The lag alone does not
// tell: the server counts a new message a little later.
func hasAll(t *testing.T, conn *stream.Conn) bool {
	t.Helper()
	positions, last, err := conn.Positions(t.Context())
	forWarehouseOnly := stream.Subject(&event.Message{Workspace: "default", ObjectType: "other", Metric: "other"})
	return err == nil && !slices.ContainsFunc(positions, func(p stream.Position) bool { return !p.HasSettled(last, forWarehouseOnly) })
}

// The error about a used or malformed address says what to do.
func TestAddresses(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, c := range []struct{ flag, value, want string }{
		{"nats-url", "nats://" + ln.Addr().String(), "NATS_URL: "},
		{"ingest-addr", ln.Addr().String(), "INGEST_ADDR: "},
		{"admin-addr", ln.Addr().String(), "ADMIN_ADDR: "},
		{"worker-admin-addr", ln.Addr().String(), "WORKER_ADMIN_ADDR: "},
		{"console-addr", ln.Addr().String(), "CONSOLE_ADDR: "},
		{"fake-track-addr", ln.Addr().String(), "FAKE_TRACK_ADDR: "},
		{"nats-url", "localhost", "NATS_URL: \"localhost\" is not of the form"},
	} {
		_, err := dev.New(configOf(t, t.TempDir(), "--"+c.flag+"="+c.value), zerolog.Nop())
		switch {
		case err == nil || !strings.HasPrefix(err.Error(), c.want):
			t.Errorf("%s %s: %v; want %q", c.flag, c.value, err, c.want)
		case c.value != "localhost" && !strings.Contains(err.Error(), "set it to a free address"):
			t.Errorf("%s: the error does not say what to do: %v", c.flag, err)
		}
	}
}

// The commands in the welcome work as printed, also with other settings than the
// defaults.
func TestWelcome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := start(t, dir)
	defer stop()
	var out bytes.Buffer
	s.PrintWelcome(&out, "bin/cioctl")
	for _, want := range []string{
		"  console    " + s.ConsoleURL(),
		"bin/cioctl send --url " + s.WebhookURL() + " --campaign 1000\n",
		"bin/cioctl query --warehouse-url duckdb:" + dir + "/customerio.duckdb \"SELECT",
		"bin/cioctl doctor --nats-url " + s.NATSURL() + " --customerio-app-url " + s.FakeURL() + " --warehouse-url duckdb:" + dir + "/customerio.duckdb\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the welcome lacks %q:\n%s", want, out.String())
		}
	}
}

// With a real account the welcome suggests nothing that deletes a profile, and names the
// address of the Track API.
func TestWelcomeWithARealAccount(t *testing.T) {
	t.Parallel()
	cfg := configOf(t, t.TempDir(), "--customerio-site-id=site", "--customerio-track-api-key=key", "--customerio-track-url=http://127.0.0.1:1")
	s, err := dev.New(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	defer func() { _ = s.Run(ctx) }() // closes the stack
	var out bytes.Buffer
	s.PrintWelcome(&out, "bin/cioctl")
	if text := out.String(); strings.Contains(text, "bounced") || strings.Contains(text, " send ") || !strings.Contains(text, "http://127.0.0.1:1, with your credentials") {
		t.Errorf("the welcome:\n%s", text)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := start(t, dir)
	defer stop()
	cfg := dev.Config{Data: dir}
	if _, err := dev.New(cfg, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error is %v, want one that says that the folder is in use", err)
	}
}
