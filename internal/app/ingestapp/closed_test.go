package ingestapp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A connection to NATS that is closed for good ends ingest without DRAIN_DELAY, within
// 10 s. Until then the listener answers 503.
func TestClosedConnectionEndsIngest(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	env := map[string]string{
		"CUSTOMERIO_WEBHOOK_SECRET": "k", "NATS_URL": srv.URL(), "INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "1h",
	}
	var cfg ingestapp.Config
	set := config.New("ingest", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Fatal(err)
	}
	a, err := ingestapp.New(cfg, zerolog.New(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	call := func() int { return post(t, "http://"+a.Addr().String()+"/webhooks/customerio") }
	for call() != http.StatusOK && ctx.Err() == nil {
	}
	srv.Reload(func(o *natsserver.Options) { o.MaxControlLine = 30 }) // less than any request needs
	late := time.After(20 * time.Second)
	for last := http.StatusOK; ; {
		select {
		case err := <-ended:
			if !errors.Is(err, stream.ErrClosed) || last != http.StatusServiceUnavailable {
				t.Errorf("Run = %v, the last answer %d; want ErrClosed after a 503", err, last)
			}
			return
		case <-time.After(20 * time.Millisecond):
			if status := call(); status != 0 {
				last = status
			}
		case <-late:
			t.Fatal("ingest does not end")
		}
	}
}

// post returns the status of a signed call, 0 when nobody listens.
func post(t *testing.T, url string) int {
	t.Helper()
	r, err := webhooktest.NewRequest(t.Context(), url, "k", time.Now(), []byte(`{"event_id":"e","object_type":"email","metric":"opened"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
