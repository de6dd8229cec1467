package console

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A live page outlasts the timeouts of requests.
func TestLivePageOutlastsTheTimeouts(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("duckdb:" + t.TempDir() + "/events.duckdb")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Settings: Settings{Addr: "127.0.0.1:0"}, Conn: streamtest.Start(t).Connect(stream.Settings{}), Warehouses: []place.Place{p}})
	if err != nil {
		t.Fatal(err)
	}
	s.srv.ReadTimeout, s.srv.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	res, err := (&http.Client{Timeout: 10 * time.Second}).Get(s.URL() + "events/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: Live") { // after 2 s
	}
	if lines.Err() != nil || !strings.HasPrefix(lines.Text(), "data: Live") {
		t.Errorf("the live page ended: %v", lines.Err())
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}
