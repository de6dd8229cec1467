package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// proveKill kills two workers again and again while the workers handle a newsletter's
// opens. The Track API fails and loses answers meanwhile.
func proveKill(seed uint64) func(context.Context, *testbed) error {
	return func(ctx context.Context, b *testbed) error {
		if err := killWorkers(ctx, b, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		return nil
	}
}

// killing is how long workers are killed. The time is long enough for the messages
// of a dead worker to be redelivered to a worker that dies, too.
const killing = 50 * time.Second

func killWorkers(ctx context.Context, b *testbed, seed uint64) error {
	const people, opens, others = 20_000, 200_000, 2_000
	h := lab.NewHistory(lab.HistoryConfig{Seed: seed, People: people, Opens: opens, Others: others, End: time.Now()})
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
	workers := [2]*lab.Process{}
	for i := range workers {
		workers[i] = b.Worker(lab.Consumers(effects...), lab.TrackEnv(api.URL()))
		defer workers[i].Stop() //nolint:gocritic // Both workers run until the end.
		if err := workers[i].Start(); err != nil {
			return err
		}
	}
	begin := time.Now()
	api.FailSometimes(begin.Add(10*time.Second), begin.Add(15*time.Second), 100, rand.New(rand.NewPCG(seed, 1)))
	kills, err := b.watchKills(ctx, workers, rand.New(rand.NewPCG(seed, 2)))
	if err != nil {
		return err
	}
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
	return errors.Join(err, h.Check(api.Fake), b.NoDeadLetters(ctx))
}

// watchKills kills the workers at random and returns the number of kills.
func (b *testbed) watchKills(ctx context.Context, workers [2]*lab.Process, r *rand.Rand) (int, error) {
	limited, end := context.WithTimeout(ctx, killing)
	defer end()
	kills := make(chan int, 1)
	go func() { kills <- killAtRandom(limited, workers, r) }()
	_, err := b.watch(ctx, "workers are killed", killing+time.Minute, until(time.Now().Add(killing)), effects...)
	end()
	return <-kills, err
}

// killAtRandom kills one of the workers every 0.5 to 3 s and starts the worker again,
// until ctx ends. It returns the number of kills.
func killAtRandom(ctx context.Context, workers [2]*lab.Process, r *rand.Rand) (kills int) {
	for lab.Pause(ctx, 500*time.Millisecond+time.Duration(r.Int64N(int64(2500*time.Millisecond)))) {
		w := workers[r.IntN(2)]
		w.Kill()
		kills++
		if err := w.Start(); err != nil {
			return kills // The other worker goes on.
		}
	}
	return kills
}
