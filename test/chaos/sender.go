package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// How Customer.io sends reporting webhooks, from its documentation
// (docs.customer.io, "Reporting webhooks"): Customer.io waits 4 s for an answer,
// accepts any 2xx as success, and does not move past an event that fails. After a
// status of penalties, and after a refused or broken connection, Customer.io waits an
// hour. After other failures Customer.io repeats the call with growing pauses, which
// are not published.
const (
	senderTimeout = 4 * time.Second
	// penaltyWait is the hour, 1,800 times as fast.
	penaltyWait  = 2 * time.Second
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 2 * time.Second
)

var penalties = []int{400, 401, 402, 403, 404, 405, 410, 429, 500, 502, 521}

// A sender simulates Customer.io. The sender has several queues, as a company has
// several workspaces. Each queue sends one event after another.
type sender struct {
	url  string
	skew atomic.Int64 // error of the sender's clock in nanoseconds
	// fault returns the current faults, to which penalties are attributed.
	fault func() string

	// odd is locked for writing while no body that is not JSON may be sent.
	odd sync.RWMutex

	mu       sync.Mutex
	accepted int
	calls    int
	answers  map[string]int
	blamed   map[string]int // penalties by fault
	// last is when an event was last accepted, and lastFault the faults at that time.
	last      time.Time
	lastFault string
	gap       time.Duration // the longest time without an accepted event
	gapFault  string
	slowest   time.Duration
}

// sendAll delivers the bodies through all queues. The rate is in events a second over
// all queues.
func (s *sender) sendAll(ctx context.Context, bodies [][]byte, rate int) {
	var all sync.WaitGroup
	every := time.Duration(float64(time.Second) * queues / float64(rate))
	for q := range queues {
		var queue [][]byte
		for i := q; i < len(bodies); i += queues {
			queue = append(queue, bodies[i])
		}
		all.Go(func() { s.send(ctx, queue, every) })
	}
	all.Wait()
}

// send delivers the bodies of a queue in order, each body when it is due.
func (s *sender) send(ctx context.Context, queue [][]byte, every time.Duration) {
	next := time.Now()
	for _, body := range queue {
		if !lab.Pause(ctx, time.Until(next)) || !s.deliver(ctx, body) {
			return
		}
		next = next.Add(every)
	}
}

// deliver repeats a call until the call succeeds. It reports false when ctx ends first.
func (s *sender) deliver(ctx context.Context, body []byte) bool {
	backoff := firstBackoff
	for ctx.Err() == nil {
		outcome, penalty := s.callUnless(ctx, body)
		s.note(ctx, outcome, penalty)
		wait := backoff
		switch {
		case outcome == "200":
			return true
		case penalty:
			wait = penaltyWait
		default:
			backoff = min(2*backoff, lastBackoff)
		}
		lab.Pause(ctx, wait)
	}
	return false
}

// callUnless waits before a body that is not JSON while withoutOdd runs.
func (s *sender) callUnless(ctx context.Context, body []byte) (outcome string, penalty bool) {
	if !json.Valid(body) {
		s.odd.RLock()
		defer s.odd.RUnlock()
	}
	return s.call(ctx, body)
}

// withoutOdd runs f while no body that is not JSON is sent.
func (s *sender) withoutOdd(f func() error) error {
	s.odd.Lock()
	defer s.odd.Unlock()
	return f()
}

// customerio sends the calls. The limit of each call is in the context.
var customerio = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: queues}}

// call sends the event once and returns the status or a word for the failure.
func (s *sender) call(ctx context.Context, body []byte) (outcome string, penalty bool) {
	ctx, cancel := context.WithTimeout(ctx, senderTimeout)
	defer cancel()
	now := time.Now().Add(time.Duration(s.skew.Load()))
	req, err := webhooktest.NewRequest(ctx, s.url, lab.SigningKey, now, body)
	if err != nil {
		return err.Error(), false
	}
	start := time.Now()
	res, err := customerio.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	s.mu.Lock()
	s.slowest = max(s.slowest, time.Since(start))
	s.mu.Unlock()
	if timeout := net.Error(nil); errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout", false
	}
	if err != nil {
		return "broken connection", true
	}
	if res.StatusCode/100 == 2 {
		return "200", false
	}
	return strconv.Itoa(res.StatusCode), slices.Contains(penalties, res.StatusCode)
}

func (s *sender) note(ctx context.Context, outcome string, penalty bool) {
	if ctx.Err() != nil {
		return // The run was interrupted.
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.answers[outcome]++
	if penalty {
		s.blamed[s.fault()]++
	}
	if outcome != "200" {
		return
	}
	s.accepted++
	now := s.fault()
	if gap := time.Since(s.last); !s.last.IsZero() && gap > s.gap {
		s.gap, s.gapFault = gap, fmt.Sprintf("%s at the beginning, %s at the end", s.lastFault, now)
	}
	s.last, s.lastFault = time.Now(), now
}

// resetGap restarts the search for the longest gap.
func (s *sender) resetGap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.gap = time.Time{}, 0
}

func (s *sender) progress() (accepted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}
