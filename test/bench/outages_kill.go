package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/test/lab"
)

// proveKill kills two workers over and over while they work off a newsletter's
// opens, with everything else that can happen.
func proveKill(seed uint64) func(context.Context, *rig) error {
	return func(ctx context.Context, l *rig) error {
		if err := killed(ctx, l, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		return nil
	}
}

// killing is how long workers are killed: long enough for what a dead one had in
// hand to be handed out again, to one that may die, too.
const killing = 50 * time.Second

func killed(ctx context.Context, l *rig, seed uint64) error {
	const people, opens, others = 20_000, 200_000, 2_000
	h := lab.NewHistory(lab.HistoryConfig{
		Seed: seed, People: people, Opens: opens, Others: others, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := startTrackAPI(customeriotest.Config{CallLog: 1, Rate: allowance}, h.People())
	if err != nil {
		return err
	}
	defer func() { _ = api.refuse() }()
	backlog := h.Len() / 2 // is there at the start, the rest comes meanwhile
	if err := l.publish(ctx, backlog, 0, h.Message); err != nil {
		return err
	}
	published := make(chan error, 1)
	go func() {
		rest := h.Len() - backlog
		published <- l.publish(ctx, rest, float64(rest)/(killing*4/5).Seconds(), func(i int) event.Message { return h.Message(backlog + i) })
	}()
	pair, err := newPair(ctx, l, api.url(), seed)
	if err != nil {
		return err
	}
	defer pair.stop()
	trouble(api, seed)
	if _, err := l.watch(ctx, "workers are killed", killing+time.Minute, until(time.Now().Add(killing)), both...); err != nil {
		return err
	}
	kills := pair.calm()
	left, _ := l.lag(ctx, both...)
	if err := <-published; err != nil {
		return err
	}
	drained, err := l.watch(ctx, "workers are left alone", 4*time.Minute, nothing, both...)
	if err != nil {
		return err
	}
	c := api.fake.Counts()
	fmt.Printf("  seed %d: %d messages about %d people, %d kills in %.0f s, then %d left, %.1f s to zero\n",
		seed, h.Len(), people, kills, killing.Seconds(), left, drained.Seconds())
	fmt.Printf("  %d requests, %d of them 429, %d met a fault; %d people stay\n", c.Requests, c.RateLimited, c.Faults, h.Stay())
	_, err = l.attempts(ctx)
	return errors.Join(err, h.Check(api.fake), l.dead(ctx))
}

// trouble makes the API fail for 5 s, and lose an answer in a hundred before and
// after.
func trouble(api *trackAPI, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	from := time.Now().Add(10 * time.Second)
	api.fake.SetFault(func(*http.Request) *customeriotest.Fault {
		switch since := time.Since(from); {
		case since > 0 && since < 5*time.Second:
			return &customeriotest.Fault{Status: http.StatusServiceUnavailable}
		case r.IntN(100) == 0:
			return &customeriotest.Fault{Drop: true, AfterEffect: true}
		}
		return nil
	})
}

// A pair is two workers, one of which is killed from time to time.
type pair struct {
	start   func() (*child, error)
	workers [2]*child
	end     context.CancelFunc
	killing sync.WaitGroup
	kills   int
}

func newPair(ctx context.Context, l *rig, url string, seed uint64) (p *pair, err error) {
	p = &pair{start: func() (*child, error) { return l.startEffects(ctx, "127.0.0.1:0", url) }}
	for i := range p.workers {
		if p.workers[i], err = p.start(); err != nil {
			return nil, err
		}
	}
	until, end := context.WithCancel(ctx) // the workers live on
	p.end = end
	p.killing.Go(func() { p.kill(until, rand.New(rand.NewPCG(seed, 2))) })
	return p, nil
}

// kill kills one of them every half a second to three seconds.
func (p *pair) kill(ctx context.Context, r *rand.Rand) {
	for {
		pause(ctx, 500*time.Millisecond+time.Duration(r.Int64N(int64(2500*time.Millisecond))))
		if ctx.Err() != nil {
			return
		}
		i := r.IntN(2)
		p.workers[i].kill()
		p.kills++
		w, err := p.start()
		if err != nil {
			return // the dead one is waited for again, which does no harm
		}
		p.workers[i] = w
	}
}

// calm ends the killing and returns how often it was done.
func (p *pair) calm() int {
	p.end()
	p.killing.Wait()
	return p.kills
}

func (p *pair) stop() {
	p.calm()
	for _, w := range p.workers {
		w.stop()
	}
}
