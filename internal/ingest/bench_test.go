package ingest_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// nowhere stores nothing, so that the benchmark measures ingest only.
type nowhere struct{}

func (nowhere) Publish(context.Context, *event.Message) (bool, error)    { return false, nil }
func (nowhere) StoreDeadLetter(context.Context, *event.DeadLetter) error { return nil }
func (nowhere) MaxBody() int                                             { return 1 << 20 }

// BenchmarkReceive measures a call from the routes to the answer, without network and
// stream.
func BenchmarkReceive(b *testing.B) {
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{secret}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := ingest.New(ingest.Config{
		Workspaces: []ingest.Workspace{{Name: "default", Verifier: v}}, Publisher: nowhere{},
		Now: func() time.Time { return now },
	})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(small)
	r := httptest.NewRequest(http.MethodPost, ingest.Path, http.NoBody)
	webhook.SignRequest(r.Header, secret, now, body)
	w := httptest.NewRecorder()
	handler, reader := s.Handler(), bytes.NewReader(body)
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		r.Body, r.ContentLength = closer{reader}, int64(len(body))
		w.Body.Reset()
		handler.ServeHTTP(w, r)
	}
	if w.Code != http.StatusOK {
		b.Fatalf("answered %d", w.Code)
	}
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

// BenchmarkCall measures a call over a connection, without the stream. The sender's part is
// in the time.
func BenchmarkCall(b *testing.B) {
	l := serveOn(b, ingest.Config{Publisher: nowhere{}})
	conn := l.dial(b)
	defer conn.Close()
	_ = conn.SetDeadline(time.Time{}) // dial has set a deadline for tests
	request, answer := []byte(call(small)), make([]byte, 1024)
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil { // an answer is a single packet
			b.Fatal(err)
		}
	}
}
