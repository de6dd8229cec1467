package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/integration/history"
)

// proveKill kills two workers over and over while they work off a newsletter's
// opens, with everything else that can happen.
func proveKill(seed uint64) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		if err := killed(ctx, l, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		return nil
	}
}

// killing is how long workers are killed: long enough for what a dead one had in
// hand to be handed out again, to one that may die, too.
const killing = 50 * time.Second

func killed(ctx context.Context, l *lab, seed uint64) error {
	const opens, others = 200_000, 2_000
	h := history.New(history.Config{
		Seed: seed, People: 20_000, Opens: opens, Others: others, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := startTrackAPI(customeriotest.Config{CallLog: 1, Rate: allowance}, h.People())
	if err != nil {
		return err
	}
	defer api.refuse()
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
	fmt.Printf("  seed %d: %d messages about %d people, %d kills in %.0f s, then %d left, %.1f s to zero\n", seed, h.Len(), 20_000, kills, killing.Seconds(), left, drained.Seconds())
	fmt.Printf("  %d requests, %d of them 429, %d met a fault; %d people stay\n", c.Requests, c.RateLimited, c.Faults, h.Stay())
	return errors.Join(l.attempts(ctx, 10*h.Len()), h.Check(api.fake), l.dead(ctx))
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
	l       *lab
	url     string
	workers [2]*child
	end     context.CancelFunc
	kills   chan int
}

func newPair(ctx context.Context, l *lab, url string, seed uint64) (p *pair, err error) {
	p = &pair{l: l, url: url, kills: make(chan int, 1)}
	for i := range p.workers {
		if p.workers[i], err = l.startEffects(ctx, "127.0.0.1:0", url); err != nil {
			return nil, err
		}
	}
	killCtx, end := context.WithCancel(ctx)
	p.end = end
	go func() { p.kills <- p.kill(ctx, killCtx, rand.New(rand.NewPCG(seed, 2))) }()
	return p, nil
}

// kill kills every half a second to three seconds, until the second context ends.
func (p *pair) kill(ctx, until context.Context, r *rand.Rand) (kills int) {
	for {
		pause(until, 500*time.Millisecond+time.Duration(r.Int64N(int64(2500*time.Millisecond))))
		if until.Err() != nil {
			return kills
		}
		i := r.IntN(2)
		p.workers[i].kill()
		kills++
		w, err := p.l.startEffects(ctx, "127.0.0.1:0", p.url)
		if err != nil {
			return kills // the watch ends in vain
		}
		p.workers[i] = w
	}
}

// calm ends the killing and returns how often it was done.
func (p *pair) calm() int {
	p.end()
	return <-p.kills
}

func (p *pair) stop() {
	p.end()
	for _, w := range p.workers {
		w.stop()
	}
}
