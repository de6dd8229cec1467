package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// effects are the consumers that update profiles.
var effects = []string{workerapp.Suppression, workerapp.Engagement}

// A testbed is a system whose progress is shown. Its programs log errors only.
type testbed struct {
	*lab.System
	dir        string
	start      time.Time
	longestLag uint64 // that lag has returned
}

// startSystem starts a system whose programs log errors only. Ctrl-C ends all processes at
// once: a program would warn that NATS has ended before it.
func startSystem(ctx context.Context, bin, dir string) (*lab.System, error) {
	system, err := lab.StartSystem(ctx, bin, dir)
	if err != nil {
		return nil, err
	}
	system.Env["LOG_LEVEL"] = "error"
	return system, nil
}

// newTestbed starts a system with its files in dir.
func newTestbed(ctx context.Context, bin, dir string) (*testbed, error) {
	system, err := startSystem(ctx, bin, filepath.Join(dir, "nats"))
	if err != nil {
		return nil, err
	}
	return &testbed{System: system, dir: dir, start: time.Now()}, nil
}

// lag returns how many messages the consumers together have not handled, and
// whether each of them has acknowledged a message.
func (b *testbed) lag(ctx context.Context, consumers ...string) (lag uint64, begun bool) {
	left, err := b.Backlog(ctx, consumers...)
	if err != nil {
		return 0, false
	}
	b.longestLag = max(b.longestLag, left.Lag)
	return left.Lag, left.Begun == len(consumers)
}

// watch shows a line of progress until done returns true, and returns how long
// that took.
func (b *testbed) watch(ctx context.Context, what string, within time.Duration, done func(lag uint64) bool, consumers ...string) (time.Duration, error) {
	begin := time.Now()
	var shown time.Time
	for {
		lag, begun := b.lag(ctx, consumers...)
		if time.Since(shown) >= time.Second {
			shown = time.Now()
			progressf("  %3.0f s  %s: lag %d", time.Since(b.start).Seconds(), what, lag)
		}
		if begun && done(lag) {
			progressf("")
			return time.Since(begin), nil
		}
		if time.Since(begin) > within {
			return 0, fmt.Errorf("wait until %s: not within %v, lag is %d", what, within, lag)
		}
		if !lab.Pause(ctx, 100*time.Millisecond) {
			return 0, ctx.Err()
		}
	}
}

// until is a condition of watch: the time t has come.
func until(t time.Time) func(uint64) bool { return func(uint64) bool { return time.Now().After(t) } }

// drained is a condition of watch: no message is left.
func drained(lag uint64) bool { return lag == 0 }

// redeliveries returns how many attempts of a consumer came after the first attempt
// of their message. The consumer must have had every message at least once.
func (b *testbed) redeliveries(ctx context.Context, consumer string) (int, error) {
	c, err := b.JetStream.Consumer(ctx, stream.Name, consumer)
	if err != nil {
		return 0, fmt.Errorf("look up consumer %s: %w", consumer, err)
	}
	info := c.CachedInfo()
	messages, err := b.count(ctx, info.Config.FilterSubjects)
	return int(info.Delivered.Consumer) - int(messages), err //nolint:gosec // Both are small counts.
}

// count returns how many messages of the stream have one of the subjects.
func (b *testbed) count(ctx context.Context, subjects []string) (n uint64, err error) {
	st, err := b.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return 0, fmt.Errorf("look up stream: %w", err)
	}
	for _, subject := range subjects {
		info, err := st.Info(ctx, jetstream.WithSubjectFilter(subject))
		if err != nil {
			return 0, fmt.Errorf("count messages: %w", err)
		}
		for _, messages := range info.State.Subjects {
			n += messages
		}
	}
	return n, nil
}

// alive returns an error when a program does not answer on its admin listener.
func alive(ctx context.Context, p *lab.Process) error {
	if _, err := lab.Get(ctx, "http://"+p.Admin+"/healthz"); err != nil {
		return fmt.Errorf("%s has not survived: %w", p.Name, err)
	}
	return nil
}
