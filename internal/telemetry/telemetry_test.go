package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/telemetry"
)

func TestAdmin(t *testing.T) {
	t.Parallel()
	var ready atomic.Bool
	a, err := telemetry.NewAdmin("127.0.0.1:0", telemetry.NewRegistry(), func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the check is not bounded")
		}
		if !ready.Load() {
			return errors.New("NATS is not connected")
		}
		return nil
	}, func() []string { return []string{"acme stands still"} })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx) }()
	url := "http://" + a.Addr().String()

	expect(t, url+"/healthz", http.StatusOK, "ok\n")
	expect(t, url+"/readyz", http.StatusServiceUnavailable, "NATS is not connected\n")
	ready.Store(true)
	expect(t, url+"/readyz", http.StatusOK, "ready\nacme stands still\n")
	expect(t, url+"/metrics", http.StatusOK, "go_goroutines ")
	expect(t, url+"/other", http.StatusNotFound, "")

	if _, err := telemetry.NewAdmin(a.Addr().String(), telemetry.NewRegistry(), nil, nil); err == nil {
		t.Error("an address in use is accepted")
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// expect fails the test unless the answer has the status and contains the text.
func expect(t *testing.T, url string, status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.Contains(string(body), text) {
		t.Errorf("%s: %d %q, %v, want %d %q", url, resp.StatusCode, body, err, status, text)
	}
}

func TestNewLogger(t *testing.T) {
	t.Parallel()
	var w strings.Builder
	log := telemetry.NewLogger(&w, "warn", "json")
	log.Info().Msg("hidden")
	log.Warn().Msg("shown")
	if text := w.String(); strings.Contains(text, "hidden") || !strings.Contains(text, `"message":"shown"`) || !strings.Contains(text, `"time":`) {
		t.Errorf("logged %s", text)
	}
	w.Reset()
	log = telemetry.NewLogger(&w, "info", "console")
	log.Info().Msg("shown")
	if text := w.String(); !strings.Contains(text, "shown") || strings.HasPrefix(text, "{") {
		t.Errorf("logged %s", text)
	}
}
