package console

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A job is a change of many dead letters, which may take longer than a request. A job
// continues when its page is closed, and ends with the console.
type job struct {
	What       string
	Total      int
	Started    time.Time
	done       atomic.Int64
	mu         sync.Mutex
	result     []jobLine
	err        error
	isFinished bool
}

// A jobLine is a line of the result: a number and what happened.
type jobLine struct {
	Count int
	What  string
}

// Done is the number of handled dead letters.
func (j *job) Done() int64 { return j.done.Load() }

// Finished reports whether the job has ended, Result and Problem what came of it.
func (j *job) Finished() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.isFinished
}

// Result returns the lines of the result.
func (j *job) Result() []jobLine {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.result
}

// Problem returns the error that ended the job, "" without one.
func (j *job) Problem() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		return ""
	}
	return j.err.Error()
}

// jobs runs one job at a time: two changes of the same dead letters would disagree about
// the result.
type jobs struct {
	mu   sync.Mutex
	last *job
	wait sync.WaitGroup
}

var errBusy = errors.New("another change of dead letters is running: wait for its end")

// start runs fn in the background until it ends or ctx does.
func (l *jobs) start(ctx context.Context, what string, total int, fn func(ctx context.Context, progress func()) ([]jobLine, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && !l.last.Finished() {
		return errBusy
	}
	j := &job{What: what, Total: total, Started: time.Now()}
	l.last = j
	l.wait.Go(func() {
		result, err := fn(ctx, func() { j.done.Add(1) })
		j.mu.Lock()
		defer j.mu.Unlock()
		j.result, j.err, j.isFinished = result, err, true
	})
	return nil
}

// current returns the last job, nil before the first.
func (l *jobs) current() *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
