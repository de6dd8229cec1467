package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

const (
	queues = 8
	// attempts bounds the repeats of a call, one each 200 ms.
	attempts = 50
)

// A sender simulates Customer.io and notes which version answered each call.
type sender struct {
	mu      sync.Mutex
	answers []answer
	calls   int // repeats of failed calls included
}

// send sends the units to the ingests, at a rate in calls a second. Each call goes to
// an ingest by chance. Units are sent side by side, the calls of a unit in order.
func (s *sender) send(ctx context.Context, units []unit, rate int, r *rand.Rand, ingests ...*ingest) error {
	work := make(chan unit)
	errs := make(chan error, queues)
	var all sync.WaitGroup
	for range queues {
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		all.Go(func() {
			for u := range work {
				if err := s.unit(ctx, u, ingests, own); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	err := feed(ctx, units, rate, work, errs)
	close(work)
	all.Wait()
	return err
}

// feed hands out the units, each when it is due.
func feed(ctx context.Context, units []unit, rate int, work chan<- unit, errs <-chan error) error {
	due := time.Now()
	for _, u := range units {
		lab.Pause(ctx, time.Until(due))
		due = due.Add(time.Duration(len(u)) * time.Second / time.Duration(rate))
		select {
		case work <- u:
		case err := <-errs:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *sender) unit(ctx context.Context, u unit, ingests []*ingest, r *rand.Rand) error {
	for i := range u {
		if err := s.deliver(ctx, &u[i], ingests[r.IntN(len(ingests))]); err != nil {
			return err
		}
	}
	return nil
}

// deliver repeats a call to one ingest until the ingest answers 200.
func (s *sender) deliver(ctx context.Context, c *call, to *ingest) (err error) {
	for range attempts {
		s.mu.Lock()
		s.calls++
		s.mu.Unlock()
		if err = post(ctx, to.url(), c.body); err == nil {
			s.mu.Lock()
			s.answers = append(s.answers, answer{c, to.old})
			s.mu.Unlock()
			return nil
		}
		if !lab.Pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("call %s: %w", to.Name, err)
}

var customerio = &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: queues}}

func post(ctx context.Context, url string, body []byte) error {
	req, err := webhooktest.NewRequest(ctx, url, lab.SigningKey, time.Now(), body)
	if err != nil {
		return err
	}
	res, err := customerio.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("ingest answers %s", res.Status)
	}
	return err
}
