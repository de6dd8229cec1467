// Package operate holds the use cases of an operator: list, redrive and drop dead
// letters, replay history, follow the streams, try the rules of effects, send test
// events. Its functions take plain values and return plain structs, which cioctl and
// other faces present.
package operate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Sender posts signed bodies to a receiver as Customer.io does, but several bodies
// at a time. URL and Key are required.
type Sender struct {
	URL, Key string
	// BodyOnly signs the raw body alone, without a timestamp.
	BodyOnly bool
	// Connections is the number of calls at a time, 16 by default.
	Connections int
	// Rate bounds the number of new events a second. The default is no bound.
	Rate float64
	// Retries is the number of times that Send repeats a call without an answer or with
	// the answer 503. The default is no retry.
	Retries int
	// Progress may be nil. Send calls Progress concurrently, once for each event that
	// the receiver accepted or that Send gave up on.
	Progress func()
}

// A SendReport counts the events and the calls of one Send.
type SendReport struct {
	Sent int `json:"sent"` // events answered 2xx
	// Duplicates counts the events of Sent that the receiver had stored before.
	Duplicates int `json:"duplicates"`
	// Kept counts the bodies of Sent that the receiver cannot parse, and has kept as dead
	// letters.
	Kept    int           `json:"kept"`
	Failed  int           `json:"failed"`  // events answered otherwise, or not at all, after all retries
	Retried int           `json:"retried"` // calls repeated
	Seconds float64       `json:"seconds"`
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	// Answers counts the calls by HTTP status, with 0 for no answer.
	Answers map[int]int `json:"answers"`
	// Refusal is the first answer other than 2xx, or the error of the call.
	Refusal string `json:"refusal,omitempty"`
}

// sendTimeout is the timeout of Customer.io, which hangs up after 4 s.
const sendTimeout = 4 * time.Second

// Send posts all bodies, and returns the error of ctx when ctx ends first.
func (s Sender) Send(ctx context.Context, bodies iter.Seq[[]byte]) (SendReport, error) {
	run := &sending{Sender: s, report: SendReport{Answers: map[int]int{}}}
	connections := cmp.Or(s.Connections, 16)
	run.client = &http.Client{
		Timeout:   sendTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, Proxy: http.ProxyFromEnvironment},
	}
	defer run.client.CloseIdleConnections()
	start := time.Now()
	limiter := rate.NewLimiter(rate.Limit(cmp.Or(s.Rate, math.Inf(1))), 1)
	var calls errgroup.Group
	calls.SetLimit(connections)
	var err error
	for body := range bodies {
		if err = limiter.Wait(ctx); err != nil {
			break
		}
		calls.Go(func() error {
			run.deliver(ctx, body)
			return nil
		})
	}
	_ = calls.Wait() // the report has the failures
	return run.finish(time.Since(start)), cmp.Or(err, ctx.Err())
}

type sending struct {
	Sender
	client *http.Client

	mu     sync.Mutex
	times  []time.Duration
	report SendReport
}

// deliver posts one body until the receiver accepts it or the retries are used up.
func (s *sending) deliver(ctx context.Context, body []byte) {
	for try := 0; ; try++ {
		start := time.Now()
		a := s.post(ctx, body)
		again := (a.status == 0 || a.status == http.StatusServiceUnavailable) && try < s.Retries && ctx.Err() == nil
		s.count(a, time.Since(start), again)
		if !again {
			break
		}
		select {
		case <-time.After(a.wait):
		case <-ctx.Done():
		}
	}
	if s.Progress != nil {
		s.Progress()
	}
}

func (s *sending) count(a answer, took time.Duration, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Answers[a.status]++
	s.times = append(s.times, took)
	good := a.status >= 200 && a.status < 300
	switch {
	case good:
		s.report.Sent++
	case again:
		s.report.Retried++
	default:
		s.report.Failed++
	}
	switch said := a.said(); {
	case good && said == "duplicate":
		s.report.Duplicates++
	case good && said == "kept":
		s.report.Kept++
	}
	if !good && s.report.Refusal == "" {
		s.report.Refusal = a.text
	}
}

// An answer is the result of one call.
type answer struct {
	status int    // 0 without an answer
	text   string // status line and an excerpt of the body, or the error of the call
	body   []byte // the excerpt
	// wait is the pause before a retry, from the header Retry-After or else 1 s.
	wait time.Duration
}

// said returns the status in the body of ingest's answer: stored, duplicate or kept. It
// is "" in the answer of another receiver.
func (a answer) said() string {
	var said struct{ Status string }
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	return said.Status
}

// post makes one call.
func (s *sending) post(ctx context.Context, body []byte) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return answer{text: err.Error(), wait: time.Second}
	}
	req.Header.Set("Content-Type", "application/json")
	if s.BodyOnly {
		req.Header.Set(webhook.HeaderSignature, webhook.SignBody(s.Key, body))
	} else {
		webhook.SignRequest(req.Header, s.Key, time.Now(), body)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{text: err.Error(), wait: time.Second}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, wait: time.Second}
	a.body, _ = io.ReadAll(io.LimitReader(res.Body, 200)) // for people
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	a.text = fmt.Sprintf("%s %s", res.Status, a.body)
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		a.wait = time.Duration(seconds) * time.Second
	}
	return a
}

func (s *sending) finish(took time.Duration) SendReport {
	s.report.Seconds = took.Seconds()
	if len(s.times) > 0 {
		slices.Sort(s.times)
		s.report.P50 = s.times[len(s.times)/2]
		s.report.P99 = s.times[len(s.times)*99/100]
	}
	return s.report
}
