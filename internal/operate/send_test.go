package operate_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const key = "sender-key"

// A receiver checks signatures. It answers each call with the next status of its
// plan, then with 200. Status 0 is a broken connection.
type receiver struct {
	*httptest.Server
	calls atomic.Int64
	mu    sync.Mutex
	taken map[string]int
}

func receive(t *testing.T, plan ...int) *receiver {
	t.Helper()
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{key}, Scheme: webhook.SchemeAuto})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{taken: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		if _, err := verifier.Verify(req.Header, body, time.Now()); err != nil {
			t.Errorf("signature of %s: %v", body, err)
		}
		status := http.StatusOK
		if n := int(r.calls.Add(1)); n <= len(plan) {
			status = plan[n-1]
		}
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"status":"said"}`)
		if status == http.StatusOK {
			r.mu.Lock()
			r.taken[string(body)]++
			r.mu.Unlock()
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func bodies(texts ...string) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, s := range texts {
			if !yield([]byte(s)) {
				return
			}
		}
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		plan    []int
		retries int
		want    operate.SendReport
	}{
		{"all accepted", nil, 0, operate.SendReport{Sent: 2, Answers: map[int]int{200: 2}}},
		{"503 is repeated", []int{503, 503}, 2, operate.SendReport{Sent: 2, Retried: 2, Answers: map[int]int{200: 2, 503: 2}, Refusal: `503 Service Unavailable {"status":"said"}`}},
		{"503 too often", []int{503, 503}, 1, operate.SendReport{Sent: 1, Failed: 1, Retried: 1, Answers: map[int]int{200: 1, 503: 2}, Refusal: `503 Service Unavailable {"status":"said"}`}},
		{"no answer is repeated", []int{0}, 1, operate.SendReport{Sent: 2, Retried: 1, Answers: map[int]int{200: 2, 0: 1}, Refusal: "EOF"}},
		{"401 is not repeated", []int{401}, 5, operate.SendReport{Sent: 1, Failed: 1, Answers: map[int]int{200: 1, 401: 1}, Refusal: `401 Unauthorized {"status":"said"}`}},
		{"204 is accepted", []int{204}, 0, operate.SendReport{Sent: 2, Answers: map[int]int{200: 1, 204: 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, tt.plan...)
			var progress atomic.Int64
			s := operate.Sender{URL: r.URL, Key: key, Connections: 1, Retries: tt.retries, Progress: func() { progress.Add(1) }}
			got, err := s.Send(t.Context(), bodies("a", "b"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(got.Refusal, tt.want.Refusal) {
				t.Errorf("refusal is %q, want %q", got.Refusal, tt.want.Refusal)
			}
			if got.Seconds <= 0 || got.P50 <= 0 || got.P99 < got.P50 {
				t.Errorf("times are %v, %v, %v", got.Seconds, got.P50, got.P99)
			}
			got.Refusal, got.Seconds, got.P50, got.P99 = tt.want.Refusal, 0, 0, 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if progress.Load() != 2 {
				t.Errorf("progress was called %d times, want once an event", progress.Load())
			}
		})
	}
}

func TestSendEachBodyOnce(t *testing.T) {
	t.Parallel()
	r := receive(t)
	var all []string
	want := map[string]int{}
	for i := range 200 {
		text := strings.Repeat("x", i+1)
		all, want[text] = append(all, text), 1
	}
	report, err := operate.Sender{URL: r.URL, Key: key, BodyOnly: true}.Send(t.Context(), bodies(all...))
	if err != nil || report.Sent != 200 {
		t.Errorf("sent %d, %v", report.Sent, err)
	}
	if diff := cmp.Diff(want, r.taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func TestSendAtARate(t *testing.T) {
	t.Parallel()
	r := receive(t)
	report, err := operate.Sender{URL: r.URL, Key: key, Rate: 50}.Send(t.Context(), bodies(slices.Repeat([]string{"a"}, 11)...))
	// The first event goes at once, each following event 20 ms later.
	if err != nil || report.Sent != 11 || report.Seconds < 0.19 {
		t.Errorf("sent %d in %.3f s, %v; want 11 in 0.2 s or a little more", report.Sent, report.Seconds, err)
	}
}

func TestSendIsInterrupted(t *testing.T) {
	t.Parallel()
	r := receive(t, slices.Repeat([]int{503}, 100)...)
	ctx, cancel := context.WithCancel(t.Context())
	report, err := operate.Sender{URL: r.URL, Key: key, Connections: 1, Retries: 3, Progress: cancel}.Send(ctx, bodies(slices.Repeat([]string{"a"}, 50)...))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if report.Sent != 0 || report.Failed == 0 || report.Failed > 3 {
		t.Errorf("after the first event %d were sent and %d failed", report.Sent, report.Failed)
	}
}

// Events that the real receiver has stored before are counted as sent and as duplicates,
// bodies that the receiver cannot parse as sent and as kept.
func TestSendCountsDuplicates(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{key}, Scheme: webhook.SchemeAuto})
	if err != nil {
		t.Fatal(err)
	}
	server, err := ingest.New(ingest.Config{Publisher: p.pub, Workspaces: []ingest.Workspace{{Name: "default", Verifier: verifier}}})
	if err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(server.Handler())
	defer receiver.Close()
	s := operate.Sender{URL: receiver.URL + ingest.Path, Key: key}
	for _, duplicates := range []int{0, 2} {
		report, err := s.Send(t.Context(), bodies(`{"event_id":"1","metric":"sent"}`, `{"event_id":"2","metric":"sent"}`))
		if err != nil || report.Sent != 2 || report.Duplicates != duplicates {
			t.Errorf("report %+v, %v; want 2 sent, %d duplicates", report, err, duplicates)
		}
	}
	report, err := s.Send(t.Context(), bodies("no event", `{"event_id":"3","metric":"sent"}`))
	if err != nil || report.Sent != 2 || report.Kept != 1 || report.Duplicates != 0 {
		t.Errorf("report %+v, %v; want 2 sent, 1 kept", report, err)
	}
}
