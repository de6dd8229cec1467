//go:build !race

package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cioevents/cioevents/internal/ingest"
)

// Tracing that is off may cost a call nothing. The number is that of a receiver
// that knows no traces, with what the fake publisher copies and the recorder needs to
// refuse two deadlines.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestNoAllocationWithoutTraces(t *testing.T) {
	const most = 9
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
