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

// The limits that a soak checks.
const (
	// answerWithin is how long Customer.io waits for an answer.
	answerWithin = 4 * time.Second
	// promptly limits the 99th percentile of the answers under a normal load, and of
	// the refusals under overload: a refusal must not wait in a queue.
	promptly = time.Second
	// growth is how much memory may grow during a phase, as a fraction.
	growth = 0.15
	// ingestLimit and workerLimit are the memory limits in deploy/, in MiB.
	ingestLimit, workerLimit = 256, 1024
)

// judge returns the promises that the answers break.
func (p phase) judge(r loadResult) error {
	var broken []error
	for status, n := range r.statuses {
		if status != http.StatusOK && (status != http.StatusServiceUnavailable || !p.busy) {
			broken = append(broken, fmt.Errorf("%s: %d answers have status %d", p.name, n, status))
		}
	}
	if r.max > answerWithin {
		broken = append(broken, fmt.Errorf("%s: the slowest answer took %v, want at most %v", p.name, r.max, answerWithin))
	}
	if !p.busy && r.p99 > promptly {
		broken = append(broken, fmt.Errorf("%s: p99 of the answers is %v, want at most %v", p.name, r.p99, promptly))
	}
	// With a rate, the time of a call includes its wait in the queue of the load.
	if p.rate == 0 && r.refused > promptly {
		broken = append(broken, fmt.Errorf("%s: p99 of the refusals is %v, want at most %v", p.name, r.refused, promptly))
	}
	if p.rate == 0 && r.refused == 0 {
		broken = append(broken, fmt.Errorf("%s: no call was refused, so the load was no overload", p.name))
	}
	return errors.Join(broken...)
}

// judgeSamples returns the promises that the programs break.
func (p phase) judgeSamples(seen samples) error {
	var broken []error
	if seen.inFlight < 0 || seen.inFlight > ingest.DefaultMaxInFlight {
		broken = append(broken, fmt.Errorf("%s: %.0f calls are in flight, want 0 to %d (-1 is unknown)", p.name, seen.inFlight, ingest.DefaultMaxInFlight))
	}
	for i, name := range programs[:2] {
		if early, late := seen.fifths(i); p.flat && late > early*(1+growth) {
			broken = append(broken, fmt.Errorf("%s: RSS of %s grows from %.0f to %.0f MiB", p.name, name, early, late))
		}
	}
	return errors.Join(broken...)
}

// judgeMemory compares the peak memory of the programs with the limits in deploy/.
func (s *soak) judgeMemory() error {
	in, work := s.ingest.PeakRSS(), s.worker.PeakRSS()
	fmt.Printf("  peak RSS: ingest %.0f MiB, worker %.0f MiB\n", in, work)
	if in > ingestLimit || work > workerLimit {
		return fmt.Errorf("peak RSS is %.0f of %d MiB for ingest and %.0f of %d MiB for the worker", in, ingestLimit, work, workerLimit)
	}
	return nil
}

// programs are the programs whose memory is sampled. The memory of NATS is printed but
// not judged.
var programs = [...]string{"ingest", "worker", "NATS"}

// samples are the measurements of a phase, one a second.
type samples struct {
	memory   [len(programs)][]float64 // MiB
	inFlight float64                  // most calls in flight of ingest, -1 for unknown
}

func (v samples) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "         up to %.0f in flight; mean RSS in the second and in the last fifth, MiB:", v.inFlight)
	for i, name := range programs {
		early, late := v.fifths(i)
		fmt.Fprintf(&line, " %s %.0f %.0f", name, early, late)
	}
	return line.String() + "\n"
}

// fifths returns the mean memory of the second and of the last fifth of a phase.
func (v samples) fifths(program int) (early, late float64) {
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

// sample measures the programs until ctx ends and shows the progress of the phase.
func (s *soak) sample(ctx context.Context, p phase) samples {
	v := samples{inFlight: -1}
	for begin := time.Now(); ctx.Err() == nil; lab.Pause(ctx, time.Second) {
		for i, p := range []*lab.Process{s.ingest, s.worker, s.NATS} {
			v.memory[i] = append(v.memory[i], p.RSS())
		}
		if n, err := s.inFlight(ctx); err == nil { // After an error the sample of the next second is enough.
			v.inFlight = max(v.inFlight, n)
		}
		progressf("  %s: %.0f of %.0f s, RSS %.0f and %.0f MiB", p.name, time.Since(begin).Seconds(), p.duration.Seconds(), s.ingest.RSS(), s.worker.RSS())
	}
	progressf("")
	return v
}

// inFlight returns how many calls ingest is storing, by the metric of ingest.
func (s *soak) inFlight(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	m, err := s.ingest.Scrape(ctx)
	if err != nil {
		return 0, err
	}
	return m.Value("cioevents_ingest_in_flight")
}
