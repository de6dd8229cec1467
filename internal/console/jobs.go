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
	What    string
	Total   int
	Started time.Time
	done    atomic.Int64
	end     atomic.Pointer[jobEnd]
}

// A jobEnd is what came of a job.
type jobEnd struct {
	Result []jobLine
	// Problem is the error that ended the job, nil without one.
	Problem error
}

// A jobLine is a line of the result: a number and what happened.
type jobLine struct {
	Count int
	What  string
}

// Done is the number of handled dead letters.
func (j *job) Done() int64 { return j.done.Load() }

// End returns what came of the job, nil while the job runs.
func (j *job) End() *jobEnd { return j.end.Load() }

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
	if l.last != nil && l.last.End() == nil {
		return errBusy
	}
	j := &job{What: what, Total: total, Started: time.Now()}
	l.last = j
	l.wait.Go(func() {
		result, err := fn(ctx, func() { j.done.Add(1) })
		j.end.Store(&jobEnd{result, err})
	})
	return nil
}

// current returns the last job, nil before the first.
func (l *jobs) current() *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
