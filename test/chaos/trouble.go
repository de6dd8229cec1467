package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A trouble makes faults happen, one or two at a time.
type trouble struct {
	house  *house
	sender *sender
	say    func(string)
	start  time.Time

	mu     sync.Mutex
	active []string
	locks  map[string]bool
	done   map[string]int
	errs   []error
}

// run makes faults from the seed until ctx ends and all is mended.
func (t *trouble) run(ctx context.Context, seed uint64) error {
	t.start, t.locks, t.done = time.Now(), map[string]bool{}, map[string]int{}
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() { t.loop(ctx, rand.New(rand.NewPCG(seed, uint64(i)))) }) //nolint:gosec // chance, and no secret
	}
	both.Wait()
	return errors.Join(t.errs...)
}

func (t *trouble) loop(ctx context.Context, r *rand.Rand) {
	list := faults()
	for pause(ctx, between(r, 300*time.Millisecond, 3*time.Second)) {
		f := list[r.IntN(len(list))]
		if !t.begin(f) {
			continue
		}
		// What has begun is mended although the time is over.
		err := f.do(context.WithoutCancel(ctx), t.house, t.sender, r)
		t.end(f, err)
	}
}

// begin takes the fault's lock, if it is free.
func (t *trouble) begin(f fault) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.locks[f.lock] {
		return false
	}
	t.locks[f.lock] = true
	t.active = append(t.active, f.name)
	t.say(describe(time.Since(t.start), f.name, "begins"))
	return true
}

func (t *trouble) end(f fault, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.locks[f.lock] = false
	i := slices.Index(t.active, f.name)
	t.active = slices.Delete(t.active, i, i+1)
	switch {
	case errors.Is(err, errNotPossible):
		t.say(describe(time.Since(t.start), f.name, err.Error()))
		return
	case err != nil:
		t.errs = append(t.errs, err)
	}
	t.done[f.name]++
	t.say(describe(time.Since(t.start), f.name, "is over"))
}

// now says what is broken.
func (t *trouble) now() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.active) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Sorted(slices.Values(t.active)), " and ")
}
