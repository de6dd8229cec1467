//go:build !race

package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cioevents/cioevents/internal/ingest"
)

// Disabled tracing must cost a call nothing. The ceiling of 8 allocations is that of a
// receiver without tracing. The 8 include the copies of the fake publisher and the
// errors with which the recorder refuses two deadlines.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestNoAllocationWithoutTraces(t *testing.T) {
	const most = 8
	h := newServer(t, ingest.Config{Publisher: &fakePublisher{}}).Handler()
	body := `{"event_id":"a","object_type":"email","metric":"opened"}`
	r := signed(t, ingest.Path, secret, body)
	w := httptest.NewRecorder()
	reader := bytes.NewReader([]byte(body))
	got := testing.AllocsPerRun(200, func() {
		reader.Reset([]byte(body))
		r.Body = readCloser{reader}
		w.Body.Reset()
		h.ServeHTTP(w, r)
	})
	if w.Code != http.StatusOK || got > most {
		t.Errorf("a call is answered %d with %v allocations, want at most %v", w.Code, got, most)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
