package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A result is what a scenario showed with a load balancer.
type result struct {
	balancer, scenario string
	orderly            bool
	answers            map[string]int
	slowest            time.Duration
	// abandoned counts the events that were not accepted in time.
	abandoned int
	// lost counts the accepted events that the stream lacks, doubled the repeats of events
	// in the stream.
	lost, doubled int
	// served counts the calls that each ingest has answered since its last start.
	served [ingests]int
	// longestStop is the longest time from SIGTERM to the end of an ingest.
	longestStop time.Duration
}

// result compares the accepted events with the stream.
func (s *sender) result(ctx context.Context, b balancer, sc scenario, t *bed) (result, error) {
	r := result{
		balancer: b.name, scenario: sc.name, orderly: sc.orderly,
		answers: s.answers, slowest: s.slowest, abandoned: s.abandoned, longestStop: t.longestStop,
	}
	stored, err := t.stored(ctx)
	if err != nil {
		return r, err
	}
	for id := range s.accepted {
		if stored[id] == 0 {
			r.lost++
		}
	}
	for _, n := range stored {
		r.doubled += n - 1
	}
	r.served, err = t.served(ctx)
	return r, err
}

// broken returns the promises that are broken.
func (r *result) broken() error {
	var list []error
	promise := func(kept bool, format string, values ...any) {
		if !kept {
			list = append(list, fmt.Errorf("%s, %s: "+format, append([]any{r.balancer, r.scenario}, values...)...))
		}
	}
	for answer, n := range r.answers {
		promise(r.allows(answer), "%d × %s", n, answer)
	}
	promise(r.answers[accepted] > 0, "no event was accepted")
	promise(r.abandoned == 0, "%d events were not accepted within %v", r.abandoned, acceptedWithin)
	promise(r.lost == 0, "%d events were lost", r.lost)
	promise(r.doubled == 0, "%d events are doubled", r.doubled)
	for i, n := range r.served {
		promise(n > 0, "ingest %d has answered no call since its last start", i+1)
	}
	return errors.Join(list...)
}

// allows reports whether Customer.io's queue goes on after an answer. In an orderly
// scenario the load balancer must not answer by itself, because an ingest can.
func (r *result) allows(answer string) bool {
	return answer == accepted || answer == ours || answer == balancers503 && !r.orderly
}

// table writes the results as a table.
func table(w io.Writer, results []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "balancer\tscenario\t200\t503 of ingest\t503 of balancer\tother answers\tbroken\tslowest\tstop\tlost\tdoubled\tkept")
	for i := range results {
		r := &results[i]
		kept := "yes"
		if r.broken() != nil {
			kept = "NO"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%d\t%v\t%v\t%d\t%d\t%s\n", r.balancer, r.scenario,
			r.answers[accepted], r.answers[ours], r.answers[balancers503], r.others(), r.answers[brokenOff],
			r.slowest.Round(time.Millisecond), r.longestStop.Round(100*time.Millisecond), r.lost, r.doubled, kept)
	}
	_ = t.Flush() // as fmt.Fprintf above: the output is a terminal or a file
}

// others lists the answers without a column of their own.
func (r *result) others() string {
	var parts []string
	for _, answer := range slices.Sorted(maps.Keys(r.answers)) {
		if !slices.Contains([]string{accepted, ours, balancers503, brokenOff}, answer) {
			parts = append(parts, fmt.Sprintf("%s: %d", answer, r.answers[answer]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
