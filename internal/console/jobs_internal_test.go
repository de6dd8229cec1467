package console

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A change that does not start, because another one is running, is no change in the log.
func TestOneChangeAtATime(t *testing.T) {
	t.Parallel()
	p, err := place.Parse("duckdb:" + t.TempDir() + "/events.duckdb")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := New(Config{Settings: Settings{Addr: "127.0.0.1:0"}, Conn: streamtest.Start(t).Connect(stream.Settings{}), Warehouses: []place.Place{p}, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.jobs.start(s.life, "the first", 1, func(ctx context.Context, _ func()) ([]jobLine, error) {
		<-ctx.Done()
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/dead/redrive", http.NoBody)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "another change of dead letters is running") {
		t.Errorf("a second change: %d, want 409:\n%s", w.Code, w.Body)
	}
	if strings.Contains(log.String(), "console: change") {
		t.Errorf("the log has a change that was refused:\n%s", &log)
	}
}
