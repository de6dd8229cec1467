package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A schedule runs faults, one or two at a time.
type schedule struct {
	deployment *deployment
	sender     *sender
	say        func(string)
	start      time.Time

	mu     sync.Mutex
	active []string
	locks  map[string]bool
	done   map[string]int
	failed []string // what did not recover after a fault
}

// run runs faults from the seed until ctx ends and every fault is over.
func (s *schedule) run(ctx context.Context, seed uint64) {
	s.start, s.locks, s.done = time.Now(), map[string]bool{}, map[string]int{}
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() { s.loop(ctx, rand.New(rand.NewPCG(seed, uint64(i)))) }) //nolint:gosec // The numbers are no secrets.
	}
	both.Wait()
}

func (s *schedule) loop(ctx context.Context, r *rand.Rand) {
	list := slices.DeleteFunc(faults(), func(f fault) bool {
		only := s.deployment.cfg.Only
		return len(only) > 0 && !slices.Contains(only, f.name)
	})
	for lab.Pause(ctx, between(r, 300*time.Millisecond, 3*time.Second)) {
		f := list[r.IntN(len(list))]
		if !s.begin(f) {
			continue
		}
		// A fault that has begun is repaired even after ctx has ended.
		err := f.do(context.WithoutCancel(ctx), s.deployment, s.sender, r)
		s.end(f, err)
	}
}

// begin takes the locks of the fault, and reports false when one of them is taken.
func (s *schedule) begin(f fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	locks := strings.Fields(f.locks)
	if slices.ContainsFunc(locks, func(lock string) bool { return s.locks[lock] }) {
		return false
	}
	for _, lock := range locks {
		s.locks[lock] = true
	}
	s.active = append(s.active, f.name)
	s.say(describe(time.Since(s.start), f.name, "begins"))
	return true
}

func (s *schedule) end(f fault, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for lock := range strings.FieldsSeq(f.locks) {
		s.locks[lock] = false
	}
	i := slices.Index(s.active, f.name)
	s.active = slices.Delete(s.active, i, i+1)
	switch {
	case errors.Is(err, errNotPossible):
		s.say(describe(time.Since(s.start), f.name, err.Error()))
		return
	case err != nil:
		reason := strings.Join(strings.Fields(err.Error()), " ")
		s.failed = append(s.failed, f.name+": "+reason)
		s.say(describe(time.Since(s.start), f.name, reason))
	}
	s.done[f.name]++
	s.say(describe(time.Since(s.start), f.name, "is over"))
}

// now returns the names of the current faults.
func (s *schedule) now() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.active) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Sorted(slices.Values(s.active)), " and ")
}
