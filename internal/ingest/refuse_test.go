package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	missing = `{"error":"Missing signature"}`
	invalid = `{"error":"Invalid signature"}`
)

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(r *http.Request)
		status int
		body   string
	}{
		{"no signature", func(r *http.Request) { r.Header.Del(webhook.HeaderSignature) }, 401, missing},
		{"blank signature", func(r *http.Request) { r.Header.Set(webhook.HeaderSignature, "") }, 401, missing},
		{"nonsense", func(r *http.Request) { r.Header.Set(webhook.HeaderSignature, "abc") }, 401, invalid},
		{"other key", func(r *http.Request) { webhook.SignRequest(r.Header, "other", now, []byte(small)) }, 401, invalid},
		{"other body", func(r *http.Request) { webhook.SignRequest(r.Header, secret, now, []byte(`{}`)) }, 401, invalid},
		{"stale", func(r *http.Request) { webhook.SignRequest(r.Header, secret, now.Add(-2*time.Hour), []byte(small)) }, 401, invalid},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, `{"error":"Method not allowed"}`},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, 405, `{"error":"Method not allowed"}`},
		{"other path", func(r *http.Request) { r.URL.Path = "/webhooks" }, 404, `{"error":"Not found"}`},
		{"root", func(r *http.Request) { r.URL.Path = "/" }, 404, `{"error":"Not found"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &fakePublisher{}
			hourly := workspace(t, "default", webhook.VerifierConfig{Tolerance: time.Hour})
			r := signed(t, listen(t, ingest.Config{Publisher: p, Workspaces: []ingest.Workspace{hourly}}), secret, small)
			tt.change(r)
			do(t, r).expect(t, tt.status, tt.body)
			if len(p.messages())+len(p.deadLetters()) > 0 {
				t.Error("a refused call is stored")
			}
		})
	}
}

func TestBodyOnlySignature(t *testing.T) {
	t.Parallel()
	tests := []struct {
		scheme webhook.Scheme
		status int
		body   string
	}{
		{webhook.SchemeAuto, http.StatusOK, `{"status":"stored"}`},
		{webhook.SchemeBody, http.StatusOK, `{"status":"stored"}`},
		{webhook.SchemeV0, http.StatusUnauthorized, invalid},
	}
	for _, tt := range tests {
		t.Run(string(tt.scheme), func(t *testing.T) {
			t.Parallel()
			w := workspace(t, "default", webhook.VerifierConfig{Scheme: tt.scheme})
			r := signed(t, listen(t, ingest.Config{Publisher: &fakePublisher{}, Workspaces: []ingest.Workspace{w}}), secret, small)
			r.Header.Del(webhook.HeaderTimestamp)
			r.Header.Set(webhook.HeaderSignature, webhook.SignBody(secret, []byte(small)))
			do(t, r).expect(t, tt.status, tt.body)
		})
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		publish func(context.Context, *event.Message) error
		body    string
	}{
		{"full", func(context.Context, *event.Message) error { return event.ErrStreamFull }, `{"error":"Stream full"}`},
		{"no room", func(context.Context, *event.Message) error { return event.ErrStoreFull }, `{"error":"NATS has no room"}`},
		{"away", func(context.Context, *event.Message) error { return event.ErrStreamUnavailable }, `{"error":"Stream unavailable"}`},
		{"unnamed", func(context.Context, *event.Message) error { return errors.New("?") }, `{"error":"Stream unavailable"}`},
		{"panic", func(context.Context, *event.Message) error { panic("a bug") }, `{"error":"Internal error"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &fakePublisher{publish: tt.publish}
			url := listen(t, ingest.Config{Publisher: p, MaxInFlight: 1})
			// Twice: the first call must have left the gate.
			post(t, url, small).expect(t, http.StatusServiceUnavailable, tt.body)
			post(t, url, small).expect(t, http.StatusServiceUnavailable, tt.body)
		})
	}
}

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	p := &fakePublisher{publish: func(_ context.Context, m *event.Message) error {
		if m.ID == "slow" {
			close(entered)
			<-release
		}
		return nil
	}}
	url := listen(t, ingest.Config{Publisher: p, MaxInFlight: 1})
	slow := make(chan answer, 1)
	r := signed(t, url, secret, `{"event_id":"slow"}`)
	go func() { slow <- do(t, r) }()
	<-entered
	post(t, url, small).expect(t, http.StatusServiceUnavailable, `{"error":"Too much in flight"}`)
	// An unsigned call does not enter the gate.
	do(t, signed(t, url, "other", small)).expect(t, http.StatusUnauthorized, invalid)
	close(release)
	(<-slow).expect(t, http.StatusOK, `{"status":"stored"}`)
	post(t, url, small).expect(t, http.StatusOK, `{"status":"stored"}`)
}

// A call whose sender disconnects is incomplete, not invalid.
func TestIncompleteBody(t *testing.T) {
	t.Parallel()
	p := &fakePublisher{}
	s := newServer(t, ingest.Config{Publisher: p})
	r := signed(t, "http://localhost"+ingest.Path, secret, small)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(small[:20]), errReader{}))
	a := serve(s, r)
	a.expect(t, http.StatusServiceUnavailable, `{"error":"Incomplete body"}`)
	if len(p.messages())+len(p.deadLetters()) > 0 {
		t.Error("half a body is stored")
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyOverTheCap(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{1 << 10, 100 << 10} { // a small body, and a large one
		p := &fakePublisher{}
		url := listen(t, ingest.Config{Publisher: p, MaxBody: limit})
		fits := `{"a":"` + strings.Repeat("x", int(limit)-8) + `"}`
		over := fits[:len(fits)-2] + `x"}`

		post(t, url, fits).expect(t, http.StatusOK, `{"status":"stored"}`)
		do(t, chunked(signed(t, url, secret, fits))).expect(t, http.StatusOK, `{"status":"duplicate"}`)
		post(t, url, over).expect(t, http.StatusRequestEntityTooLarge, `{"error":"Body too large"}`)
		do(t, chunked(signed(t, url, secret, over))).expect(t, http.StatusRequestEntityTooLarge, `{"error":"Body too large"}`)

		much := strings.Repeat("x", 300<<10)
		do(t, chunked(signed(t, url, secret, much))).expect(t, http.StatusRequestEntityTooLarge, `{"error":"Body too large"}`)

		if m := p.messages(); len(m) != 1 || !bytes.Equal(m[0].Body, []byte(fits)) {
			t.Errorf("limit %d: %d messages, or another body", limit, len(m))
		}
	}
}

// chunked sends a body without a Content-Length.
func chunked(r *http.Request) *http.Request {
	r.Body = io.NopCloser(r.Body)
	r.ContentLength = -1
	return r
}
