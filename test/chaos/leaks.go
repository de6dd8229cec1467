package main

import (
	"context"
	"errors"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// A usage contains the counts that must not grow with the running time of a program.
type usage struct{ goroutines, files int }

func (u usage) max(other usage) usage {
	return usage{goroutines: max(u.goroutines, other.goroutines), files: max(u.files, other.files)}
}

func usageOf(ctx context.Context, p *lab.Process) (usage, error) {
	m, err := p.Scrape(ctx)
	if err != nil {
		return usage{}, err
	}
	goroutines, err1 := m.Value("go_goroutines")
	files, err2 := m.Value("process_open_fds")
	return usage{goroutines: int(goroutines), files: int(files)}, errors.Join(err1, err2)
}

// usage returns the usage of each program while no events arrive.
func (d *deployment) usage(ctx context.Context) (map[*lab.Process]usage, error) {
	d.balancer.http.CloseIdleConnections()
	lab.Pause(ctx, 2*time.Second)
	list := map[*lab.Process]usage{}
	for _, p := range d.programs() {
		u, err := usageOf(ctx, p)
		if err != nil {
			return nil, err
		}
		list[p] = u
	}
	return list, nil
}

// allowance is how many additional goroutines and files are not a leak: recovered
// connections, idle connections of clients, DuckDB's file.
const allowance = 30

// leaks compares each program with the largest usage of the same program before. Which
// worker had opened all of its connections by then is chance.
func (d *deployment) leaks(ctx context.Context, r *Report, before map[*lab.Process]usage, begun time.Time) error {
	after, err := d.usage(ctx)
	if err != nil {
		return err
	}
	most := map[string]usage{}
	for p, u := range before {
		most[p.Path] = most[p.Path].max(u)
	}
	for p, u := range after {
		if p.RunsSince(begun) {
			r.Survivors++
		}
		r.Goroutines = max(r.Goroutines, u.goroutines-most[p.Path].goroutines)
		r.Files = max(r.Files, u.files-most[p.Path].files)
	}
	return nil
}
