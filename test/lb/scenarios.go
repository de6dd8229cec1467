package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/test/lab"
)

// A scenario disturbs the processes behind a load balancer.
type scenario struct {
	name, about string
	settings    lab.Env // of ingest
	// orderly reports that the load balancer must not answer by itself.
	orderly bool
	disturb func(ctx context.Context, t *bed) error
}

var scenarios = []scenario{
	{"restarts", "rolling restarts", nil, true, rollingRestarts},
	{"crowded", "rolling restarts with MAX_CONNECTIONS=20", lab.Env{"MAX_CONNECTIONS": "20"}, true, rollingRestarts},
	{"kill", "kill -9 of ingest", nil, false, kills},
	{"stop", "SIGSTOP of ingest, then SIGCONT", nil, false, stops},
	{"nats", "no NATS", nil, true, withoutNATS},
}

const (
	// noticed is longer than any load balancer takes to notice that an ingest is back.
	noticed = 3 * time.Second
	// away is how long a killed process is away, longer than two probes.
	away = 2500 * time.Millisecond
	// stopped is how long a stopped process stands still, longer than calls take.
	stopped = 5 * time.Second
)

// each calls f for each ingest in each round, and waits afterwards until the load
// balancer has noticed that the ingest is back.
func each(ctx context.Context, t *bed, f func(*lab.Process) error) error {
	for range t.rounds {
		for _, p := range t.ingests {
			if err := f(p); err != nil {
				return err
			}
			lab.Pause(ctx, noticed)
		}
	}
	return nil
}

// rollingRestarts restarts one ingest after the other by SIGTERM.
func rollingRestarts(ctx context.Context, t *bed) error {
	return each(ctx, t, func(p *lab.Process) error {
		start := time.Now()
		p.Stop()
		t.longestStop = max(t.longestStop, time.Since(start))
		return p.StartReady(ctx)
	})
}

func kills(ctx context.Context, t *bed) error {
	return each(ctx, t, func(p *lab.Process) error {
		p.Kill()
		lab.Pause(ctx, away)
		return p.StartReady(ctx)
	})
}

func stops(ctx context.Context, t *bed) error {
	return each(ctx, t, func(p *lab.Process) error {
		p.Signal(syscall.SIGSTOP)
		lab.Pause(ctx, stopped)
		p.Signal(syscall.SIGCONT)
		return nil
	})
}

func withoutNATS(ctx context.Context, t *bed) error {
	t.NATS.Kill()
	lab.Pause(ctx, stopped)
	return t.NATS.Start()
}

// runScenario runs a scenario with a load balancer.
func runScenario(ctx context.Context, cfg config, b balancer, s scenario) (r result, err error) {
	t, err := newBed(ctx, cfg, b, filepath.Join(cfg.dir, b.name+"-"+s.name), s.settings)
	if err != nil {
		return r, err
	}
	t.rounds = cfg.rounds
	defer t.close()
	send := newSender(b, t.balancer.Addr)
	if err := send.largest(ctx); err != nil {
		return r, err
	}
	stop := send.send(ctx)
	lab.Pause(ctx, time.Second)
	err = s.disturb(ctx, t)
	lab.Pause(ctx, noticed)
	stop()
	if err != nil {
		return r, err
	}
	return send.result(ctx, b, s, t)
}

func newSender(b balancer, addr string) *sender {
	scheme := "https://"
	if b.plain {
		scheme = "http://"
	}
	return &sender{url: scheme + host, addr: addr, answers: map[string]int{}, accepted: map[string]bool{}}
}

// largest sends an event of nearly the largest size that ingest accepts.
func (s *sender) largest(ctx context.Context) error {
	body := enlarge([]byte(`{"data":{"delivery_id":"d"},"event_id":"largest","object_type":"email","metric":"sent","timestamp":1}`), ingest.DefaultMaxBody-200)
	return lab.WaitFor(ctx, "a large body is accepted", 10*time.Second, func() error {
		if answer := s.call(ctx, client(s.addr, 0), body); answer != accepted {
			return fmt.Errorf("a body of %d bytes is answered %s, want %d", len(body), answer, http.StatusOK)
		}
		s.accepted[eventID(body)] = true
		return nil
	})
}
