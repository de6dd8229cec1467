package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// proveKill kills two workers again and again while the workers handle a newsletter's
// opens. The Track API fails and loses answers meanwhile.
func proveKill(seed uint64) func(context.Context, *testbed) error {
	return func(ctx context.Context, b *testbed) error {
		if err := killed(ctx, b, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		return nil
	}
}

// killing is how long workers are killed. The time is long enough for the messages
// of a dead worker to be redelivered to a worker that dies, too.
const killing = 50 * time.Second

func killed(ctx context.Context, b *testbed, seed uint64) error {
	const people, opens, others = 20_000, 200_000, 2_000
	h := lab.NewHistory(lab.HistoryConfig{
		Seed: seed, People: people, Opens: opens, Others: others, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := lab.StartTrackAPI(customeriotest.Config{CallLog: 1, Rate: allowance}, h.People()...)
	if err != nil {
		return err
	}
	defer api.Refuse()
	backlog := h.Len() / 2 // The rest is published during the killing.
	if err := b.Publish(ctx, backlog, 0, h.NewMessage); err != nil {
		return err
	}
	published := make(chan error, 1)
	go func() {
		rest := h.Len() - backlog
		published <- b.Publish(ctx, rest, float64(rest)/(killing*4/5).Seconds(), func(i int) *nats.Msg { return h.NewMessage(backlog + i) })
	}()
	pair, err := newPair(ctx, b, api.URL(), seed)
	if err != nil {
		return err
	}
	defer pair.stop()
	failSometimes(api, seed)
	if _, err := b.watch(ctx, "workers are killed", killing+time.Minute, until(time.Now().Add(killing)), effects...); err != nil {
		return err
	}
	kills := pair.calm()
	left, _ := b.lag(ctx, effects...)
	if err := <-published; err != nil {
		return err
	}
	took, err := b.watch(ctx, "no worker is killed any more", 4*time.Minute, drained, effects...)
	if err != nil {
		return err
	}
	c := api.Counts()
	fmt.Printf("  seed %d: %d messages about %d people, %d kills in %.0f s, then a lag of %d and %.1f s to zero\n",
		seed, h.Len(), people, kills, killing.Seconds(), left, took.Seconds())
	fmt.Printf("  %d requests, %d of them answered 429, %d met a fault; %d people are not suppressed\n", c.Requests, c.RateLimited, c.Faults, h.Stay())
	_, err = b.attempts(ctx)
	return errors.Join(err, h.Check(api.Fake), b.noDeadLetters(ctx))
}

// failSometimes makes the API answer 503 for 5 s, beginning after 10 s. At all other
// times the API loses one answer in a hundred.
func failSometimes(api *lab.TrackAPI, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	from := time.Now().Add(10 * time.Second)
	api.SetFault(func(*http.Request) *customeriotest.Fault {
		switch since := time.Since(from); {
		case since > 0 && since < 5*time.Second:
			return &customeriotest.Fault{Status: http.StatusServiceUnavailable}
		case r.IntN(100) == 0:
			return &customeriotest.Fault{Drop: true, AfterEffect: true}
		}
		return nil
	})
}

// A pair is two workers, which are killed and started again at random.
type pair struct {
	workers [2]*lab.Process
	end     context.CancelFunc // ends the killing only
	killing sync.WaitGroup
	kills   int
}

func newPair(ctx context.Context, b *testbed, url string, seed uint64) (*pair, error) {
	ctx, end := context.WithCancel(ctx)
	p := &pair{end: end}
	for i := range p.workers {
		p.workers[i] = b.Worker(lab.Consumers(effects...), lab.TrackEnv(url))
		if err := p.workers[i].Start(); err != nil {
			end()
			return nil, err
		}
	}
	p.killing.Go(func() { p.kill(ctx, rand.New(rand.NewPCG(seed, 2))) })
	return p, nil
}

// kill kills a worker every 0.5 to 3 s and starts the worker again.
func (p *pair) kill(ctx context.Context, r *rand.Rand) {
	for lab.Pause(ctx, 500*time.Millisecond+time.Duration(r.Int64N(int64(2500*time.Millisecond)))) {
		w := p.workers[r.IntN(2)]
		w.Kill()
		p.kills++
		if err := w.Start(); err != nil {
			return // The other worker goes on.
		}
	}
}

// calm ends the killing and returns the number of kills.
func (p *pair) calm() int {
	p.end()
	p.killing.Wait()
	return p.kills
}

func (p *pair) stop() {
	p.calm()
	for _, w := range p.workers {
		w.Stop()
	}
}
