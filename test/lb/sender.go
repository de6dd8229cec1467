package main

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

const (
	senders = 25
	// between is a sender's pause after an answer 200, backoff after any other answer.
	between, backoff = 25 * time.Millisecond, 100 * time.Millisecond
	// A call in each largeEvery has a body of over largeBody bytes, as with the content of
	// an e-mail.
	largeEvery, largeBody = 40, 64 << 10
)

// A sender simulates Customer.io: each of its queues repeats an event until the event is
// accepted.
type sender struct {
	url  string
	addr string

	mu      sync.Mutex
	next    func() ([]byte, bool)
	taken   int
	answers map[string]int
	slowest time.Duration
	// abandoned counts the events that were not accepted in time.
	abandoned int
	accepted  map[string]bool // by event id
}

// acceptedWithin bounds the wait for events at the end of a scenario.
const acceptedWithin = 20 * time.Second

// send sends events until the returned function is called, which waits until the events
// in flight are accepted.
func (s *sender) send(ctx context.Context) (stop func()) {
	var all sync.WaitGroup
	ctx, abandon := context.WithCancel(ctx)
	limited, cancel := context.WithCancel(ctx)
	next, end := iter.Pull(webhooktest.Campaign{Deliveries: 100_000}.Events())
	s.next = next
	for i := range senders {
		all.Go(func() { s.queue(ctx, limited, client(s.addr, i)) })
	}
	return func() {
		cancel()
		late := time.AfterFunc(acceptedWithin, abandon)
		all.Wait()
		late.Stop()
		abandon()
		end()
	}
}

func (s *sender) queue(ctx, limited context.Context, c *http.Client) {
	defer c.CloseIdleConnections()
	for limited.Err() == nil {
		body := s.take()
		for !s.deliver(ctx, c, body) {
			if !lab.Pause(ctx, backoff) {
				s.abandon()
				return
			}
		}
		lab.Pause(limited, between)
	}
}

func (s *sender) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned++
}

// take returns the next body.
func (s *sender) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := s.next() // The campaign is longer than any scenario.
	s.taken++
	if s.taken%largeEvery == 0 {
		body = enlarge(body, largeBody)
	}
	return body
}

// enlarge adds the content of an e-mail to an event.
func enlarge(body []byte, size int) []byte {
	const data = `{"data":{`
	content := []byte(data + `"content":"` + string(bytes.Repeat([]byte("x"), size)) + `",`)
	return bytes.Replace(body, []byte(data), content, 1)
}

// deliver sends the event once and reports whether the event was accepted.
func (s *sender) deliver(ctx context.Context, c *http.Client, body []byte) bool {
	start := time.Now()
	answer := s.call(ctx, c, body)
	if ctx.Err() != nil {
		return false // The run was interrupted.
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[answer]++
	s.slowest = max(s.slowest, time.Since(start))
	if answer == accepted {
		s.accepted[eventID(body)] = true
	}
	return answer == accepted
}

func eventID(body []byte) string {
	e, err := webhook.ParseEnvelope(body)
	if err != nil {
		return err.Error()
	}
	return e.EventID
}
