package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

const (
	queues = 40
	// oddEvery is how many events come with one body that is not JSON.
	oddEvery = 200
	people   = 2_000
)

// drainWithin bounds the wait at the end: the longest time until the message of a
// killed worker is redelivered, and the backoff of messages that failed.
const drainWithin = 3 * time.Minute

// Run injects faults and returns the results. The report may be returned with an
// error.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	h := events(cfg)
	bodies, odd := campaign(h)
	warm := append(earlyComplaints(), bodies[:len(bodies)/20]...)
	bodies = append(slices.Clip(warm), bodies[len(bodies)/20:]...)
	fmt.Fprintf(os.Stderr, "Seed %d: %d events in %v. Building and starting the programs.\n", cfg.Seed, len(bodies), cfg.Duration)
	d, err := newDeployment(ctx, cfg, h)
	if err != nil {
		return nil, err
	}
	defer d.close()
	faults := &schedule{deployment: d, say: func(line string) { fmt.Fprintln(os.Stderr, line) }}
	s := &sender{url: d.webhook, fault: faults.now, answers: map[string]int{}, blamed: map[string]int{}}
	faults.sender = s
	s.sendAll(ctx, warm, cfg.Rate)
	if _, err := d.drain(ctx); err != nil {
		return nil, err
	}
	if n := d.earlySuppressed(); n != early {
		return nil, fmt.Errorf("%d people complained before the faults, and there were %d suppressions", early, n)
	}
	begun := time.Now()
	before, err := d.usage(ctx)
	if err != nil {
		return nil, err
	}
	s.resetGap()
	if err := play(ctx, cfg, faults, s, bodies[len(warm):]); err != nil {
		return nil, err
	}
	r := newReport(cfg, faults, s, len(bodies), odd)
	r.Drained, err = d.drain(ctx)
	if err != nil {
		return r, err
	}
	if err := d.leaks(ctx, r, before, begun); err != nil {
		return r, err
	}
	return r, d.verify(ctx, r, h, bodies)
}

func events(cfg Config) *lab.History {
	n := int(cfg.Duration.Seconds() * float64(cfg.Rate) * 0.9)
	return lab.NewHistory(lab.HistoryConfig{Seed: cfg.Seed, People: people, Opens: n * 7 / 10, Others: n * 3 / 10, End: time.Now()})
}

// campaign returns the bodies to send, and the number of bodies that are not JSON.
func campaign(h *lab.History) (bodies [][]byte, odd int) {
	for i := range h.Len() {
		if i%oddEvery == 0 {
			bodies = append(bodies, fmt.Appendf(nil, "this is not JSON %d", i))
			odd++
		}
		m := h.Message(i)
		bodies = append(bodies, m.Body)
	}
	return bodies, odd
}

// play sends the bodies while faults happen, and returns when every body is accepted
// and every fault is over.
func play(ctx context.Context, cfg Config, faults *schedule, s *sender, bodies [][]byte) error {
	limited, stop := context.WithTimeout(ctx, cfg.Duration)
	defer stop()
	sent := make(chan struct{})
	go func() {
		s.sendAll(ctx, bodies, cfg.Rate)
		close(sent)
	}()
	faults.run(limited, cfg.Seed)
	faults.say(describe(time.Since(faults.start), "no more faults", fmt.Sprintf("%d events are accepted", s.progress())))
	<-sent
	return ctx.Err()
}
