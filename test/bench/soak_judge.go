package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/test/lab"
)

// What a soak asks of the programs.
const (
	// Customer.io's patience.
	answerWithin = 4 * time.Second
	// For 99 of 100 answers when there is no more than can be taken, and
	// for 99 of 100 refusals when there is: to say no must not take a place in a queue.
	promptly = time.Second
	// How much more memory than early in a phase is still flat, in parts.
	growth = 0.15
	// The limits that deploy/ gives to the programs, in MiB.
	ingestLimit, workerLimit = 256, 1024
)

// judge says which promises an answer breaks.
func (p phase) judge(r loadResult) error {
	var broken []error
	for status, n := range r.statuses {
		if status != http.StatusOK && (status != http.StatusServiceUnavailable || !p.busy) {
			broken = append(broken, fmt.Errorf("%s: %d answers are %d", p.name, n, status))
		}
	}
	if r.max > answerWithin {
		broken = append(broken, fmt.Errorf("%s: an answer took %v", p.name, r.max))
	}
	if !p.busy && r.p99 > promptly {
		broken = append(broken, fmt.Errorf("%s: 99 %% of the answers took up to %v", p.name, r.p99))
	}
	// Of an open loop the times begin when a call was due: they hold its own queue too.
	if p.rate == 0 && r.refused > promptly {
		broken = append(broken, fmt.Errorf("%s: 99 %% of the refusals took up to %v", p.name, r.refused))
	}
	if p.rate == 0 && r.refused == 0 {
		broken = append(broken, fmt.Errorf("%s: nothing was refused, so this was no crowd", p.name))
	}
	return errors.Join(broken...)
}

// judgeSights says which promises the programs break.
func (p phase) judgeSights(seen sights) error {
	var broken []error
	if seen.inFlight < 0 || seen.inFlight > ingest.DefaultMaxInFlight {
		broken = append(broken, fmt.Errorf("%s: %.0f calls in flight, -1 for unknown", p.name, seen.inFlight))
	}
	for i, name := range programs[:2] {
		if early, late := seen.fifths(i); p.flat && late > early*(1+growth) {
			broken = append(broken, fmt.Errorf("%s: the memory of %s grows from %.0f to %.0f MiB", p.name, name, early, late))
		}
	}
	return errors.Join(broken...)
}

// small compares the memory that the programs had at most with what deploy/ gives.
func (s *soak) small() error {
	in, work := s.ingest.PeakRSS(), s.worker.PeakRSS()
	fmt.Printf("  RSS at most: ingest %.0f MiB, worker %.0f MiB\n", in, work)
	if in > ingestLimit || work > workerLimit {
		return fmt.Errorf("RSS: ingest had %.0f of %d MiB, the worker %.0f of %d MiB", in, ingestLimit, work, workerLimit)
	}
	return nil
}

// programs are those whose memory is sampled. That of NATS is not ours to judge.
var programs = [...]string{"ingest", "worker", "NATS"}

// sights are what was seen of the programs during a phase, once a second.
type sights struct {
	memory   [len(programs)][]float64 // MiB
	inFlight float64                  // most calls of ingest, -1 when it never said
}

func (v sights) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "         up to %.0f in flight; RSS in the second and in the last fifth, MiB:", v.inFlight)
	for i, name := range programs {
		early, late := v.fifths(i)
		fmt.Fprintf(&line, " %s %.0f %.0f", name, early, late)
	}
	return line.String() + "\n"
}

// fifths are the means of the second and of the last fifth.
func (v sights) fifths(program int) (early, late float64) {
	m := v.memory[program]
	fifth := len(m) / 5
	return mean(m[fifth : 2*fifth]), mean(m[len(m)-fifth:])
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// sample looks at the programs until ctx ends, and shows how far the phase is.
func (s *soak) sample(ctx context.Context, p phase) sights {
	v := sights{inFlight: -1}
	for begin := time.Now(); ctx.Err() == nil; lab.Pause(ctx, time.Second) {
		for i, p := range []*lab.Process{s.ingest, s.worker, s.NATS} {
			v.memory[i] = append(v.memory[i], p.RSS())
		}
		if n, err := s.inFlight(ctx); err == nil { // else the next second's will do
			v.inFlight = max(v.inFlight, n)
		}
		progressf("  %s: %.0f of %.0f s, RSS %.0f and %.0f MiB", p.name, time.Since(begin).Seconds(), p.duration.Seconds(), s.ingest.RSS(), s.worker.RSS())
	}
	progressf("")
	return v
}

// inFlight returns how many calls ingest is storing, by its own count.
func (s *soak) inFlight(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	m, err := s.ingest.Scrape(ctx)
	if err != nil {
		return 0, err
	}
	return m.Value("cioevents_ingest_in_flight")
}
