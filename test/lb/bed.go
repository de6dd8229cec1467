package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// ingests is how many processes of ingest are behind the load balancer.
const ingests = 2

// A bed is a load balancer before processes of ingest and a NATS server.
type bed struct {
	*lab.System
	ingests  [ingests]*lab.Process
	balancer *lab.Process
	// rounds is how often each ingest is disturbed.
	rounds int
	// longestStop is the longest time from SIGTERM to the end of an ingest.
	longestStop time.Duration
}

// newBed starts all processes. The settings are added to those of each ingest.
func newBed(ctx context.Context, cfg config, b balancer, dir string, settings lab.Env) (*bed, error) {
	if err := os.Mkdir(dir, 0o750); err != nil {
		return nil, err
	}
	system, err := lab.StartSystem(ctx, cfg.dir, filepath.Join(dir, "nats"))
	if err != nil {
		return nil, err
	}
	t := &bed{System: system}
	if err := t.start(ctx, cfg, b, dir, settings); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *bed) start(ctx context.Context, cfg config, b balancer, dir string, settings lab.Env) error {
	s := site{dir: dir, addr: lab.FreeAddr()}
	for i := range t.ingests {
		log, err := os.Create(filepath.Join(dir, fmt.Sprintf("ingest-%d.log", i)))
		if err != nil {
			return err
		}
		t.ingests[i] = t.newIngest(i, settings)
		t.ingests[i].Stderr = log
		s.ingests[i] = t.ingests[i].Addr
		if err := t.ingests[i].StartReady(ctx); err != nil {
			return err
		}
	}
	var err error
	if t.balancer, err = b.configure(s, cfg.configs); err != nil {
		return err
	}
	return t.balancer.StartListening(ctx)
}

// newIngest returns an ingest with the default of DRAIN_DELAY. Each ingest has an IP
// address of its own: a connection to a client could otherwise take the port while the
// process restarts.
func (t *bed) newIngest(i int, settings lab.Env) *lab.Process {
	ip := fmt.Sprintf("127.0.0.%d", 11+i)
	addr, admin := fmt.Sprintf("%s:%d", ip, lab.FreePort()), fmt.Sprintf("%s:%d", ip, lab.FreePort())
	p := t.Ingest(settings, lab.Env{"INGEST_ADDR": addr, "ADMIN_ADDR": admin})
	delete(p.Env, "DRAIN_DELAY")
	p.Addr, p.Admin = addr, admin
	return p
}

func (t *bed) close() {
	if t.balancer != nil {
		t.balancer.Stop()
	}
	for _, p := range t.ingests {
		if p != nil {
			p.Kill()
		}
	}
	t.Close()
}

// stored returns how often each event id is in the stream.
func (t *bed) stored(ctx context.Context) (map[string]int, error) {
	times := map[string]int{}
	err := lab.WaitFor(ctx, "the stream is read", 20*time.Second, func() error {
		clear(times)
		return t.TailEvents(ctx, stream.Selection{}, func(a event.Attempt) bool {
			times[a.ID]++
			return true
		})
	})
	return times, err
}

// served returns how many calls each ingest has answered since its start.
func (t *bed) served(ctx context.Context) (n [ingests]int, err error) {
	for i, p := range t.ingests {
		m, err := p.Scrape(ctx)
		if err != nil {
			return n, err
		}
		answers, err := m.Value("cioevents_ingest_answers_total")
		if err != nil {
			return n, err
		}
		n[i] = int(answers)
	}
	return n, nil
}
