package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// calm fails the test if the server has panicked or does not answer.
func (l *listener) calm(t *testing.T, log *lines) {
	t.Helper()
	if n := instrument(t, l, "cioevents_ingest_answers_total", "panic"); n > 0 || log.count("panic") > 0 {
		t.Errorf("%v panics", n)
	}
	if got := l.exchange(t, "GET /healthz HTTP/1.1\r\n"+hostLine+"\r\n"); len(got) != 1 || got[0] != "200 ok" {
		t.Errorf("then a probe is answered %q", got)
	}
}

// FuzzListener sends requests without a valid signature: the key of the server differs
// from the key of the seeds. Any answer is right unless the request is stored.
func FuzzListener(f *testing.F) {
	for _, tt := range framings {
		f.Add([]byte(tt.raw))
	}
	for _, tt := range requests {
		if len(tt.raw) < 64<<10 {
			f.Add([]byte(tt.raw))
		}
	}
	var log lines
	other := workspace(f, "default", webhook.VerifierConfig{Keys: []string{"another key"}})
	l := serveOn(f, ingest.Config{
		Workspaces: []ingest.Workspace{other}, HeaderTimeout: ample, BodyTimeout: ample, Log: zerolog.New(&log),
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, a := range l.exchangeAny(t, string(raw)) {
			if strings.HasPrefix(a, "2") && a != "200 ok" { // that of a probe
				t.Errorf("answered %s", a)
			}
		}
		if len(l.p.messages())+len(l.p.deadLetters()) > 0 {
			t.Error("an unsigned request is stored")
		}
		l.calm(t, &log)
	})
}

// FuzzSigned sends signed bodies, whole or in chunks. For any body and any error of
// the stream the answer is 200 or 503.
func FuzzSigned(f *testing.F) {
	for i, body := range []string{small, "", "{}", "[]", "null", "{", "\x00\xff", `{"event_id":1e999}`, `{"data":{"identifiers":[]}}`, strings.Repeat("[", 20_000), withContent("s")} {
		f.Add([]byte(body), uint16(i*100), i%4 == 3)
	}
	var log lines
	p := &fakePublisher{maxBody: 8 << 10}
	p.publish = func(_ context.Context, m *event.Message) error {
		if strings.HasSuffix(string(m.Body), "x") {
			return errors.New("away")
		}
		return nil
	}
	p.keep = func(ctx context.Context, d *event.DeadLetter) error { return p.publish(ctx, &d.Message) }
	l := serveOn(f, ingest.Config{Publisher: p, Log: zerolog.New(&log), MaxBody: 1 << 20})
	f.Fuzz(func(t *testing.T, body []byte, size uint16, away bool) {
		if away {
			body = append(body, 'x')
		}
		if len(body) > 1<<20 {
			return
		}
		got := l.exchange(t, inChunks(string(body), int(size)))
		if len(got) != 1 || !strings.HasPrefix(got[0], "200 {") && !strings.HasPrefix(got[0], "503 {") {
			t.Errorf("answered %q", got)
		}
		l.calm(t, &log)
	})
}

// inChunks is a signed call with a body in chunks of a size, in one piece for 0.
func inChunks(body string, size int) string {
	if size == 0 {
		return call(body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\r\n", head(sign(body), teChunked))
	for body != "" {
		n := min(size, len(body))
		b.WriteString(chunk(body[:n]))
		body = body[n:]
	}
	b.WriteString(lastChunk)
	return b.String()
}
