package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A fault is one way in which things break. Its function breaks them, waits and
// mends them; a lock is held meanwhile by those that must not meet.
type fault struct {
	name string
	lock string
	do   func(ctx context.Context, b *house, s *sender, r *rand.Rand) error
}

// restartOfIngest is the one fault that must not cost a penalty.
const restartOfIngest = "restart of ingest"

func faults() []fault {
	return []fault{
		{"kill of ingest", "ingest", killIngest},
		{restartOfIngest, "ingest", restartIngest},
		{restartOfIngest, "ingest", restartIngest},
		{"kill of a worker", "worker", killWorker},
		{"kill of a worker", "worker", killWorker},
		{"restart of the workers", "worker", restartWorkers},
		{"kill of a NATS server", "nats", killNATS},
		{"stopped NATS leader", "nats", stopLeader},
		{"cut off NATS server", "nats", cutNATS},
		{"full stream", "stream", fillStream},
		{"full disk", "disk", fillDisk},
		{"BigQuery", "bigquery", breakBigQuery},
		{"Track API", "track", breakTrack},
		{"clock of the sender", "clock", skewClock},
	}
}

// between is a time from one to another.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// kill kills a process and starts it again.
func kill(ctx context.Context, p *process, away time.Duration) error {
	p.end(syscall.SIGKILL)
	pause(ctx, away)
	return p.start()
}

func killIngest(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	p := b.ingests[r.IntN(len(b.ingests))]
	if err := kill(ctx, p, between(r, 200*time.Millisecond, 2*time.Second)); err != nil {
		return err
	}
	pause(ctx, time.Second)
	return nil
}

func restartIngest(ctx context.Context, b *house, _ *sender, _ *rand.Rand) error {
	for i := range b.ingests {
		if err := b.restart(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func killWorker(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	return kill(ctx, b.workers[r.IntN(len(b.workers))], between(r, 200*time.Millisecond, 2*time.Second))
}

func restartWorkers(ctx context.Context, b *house, _ *sender, _ *rand.Rand) error {
	for _, p := range b.workers {
		p.end(syscall.SIGTERM)
		if err := p.start(); err != nil {
			return err
		}
		pause(ctx, 500*time.Millisecond)
	}
	return nil
}

func killNATS(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	return kill(ctx, b.cluster.procs[r.IntN(nodes)], between(r, time.Second, 4*time.Second))
}

// stopLeader stops a server without ending it: its connections stay and are mute.
func stopLeader(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	i, err := b.leader(ctx)
	if err != nil {
		i = r.IntN(nodes) // between two leaders
	}
	b.cluster.procs[i].signal(syscall.SIGSTOP)
	pause(ctx, between(r, 2*time.Second, 7*time.Second))
	b.cluster.procs[i].signal(syscall.SIGCONT)
	return nil
}

func cutNATS(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	mend := b.cluster.cut(r.IntN(nodes))
	pause(ctx, between(r, 2*time.Second, 7*time.Second))
	mend()
	return nil
}

// fillStream lets the stream have no more bytes than it has.
func fillStream(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	if !b.limitStream(ctx, func(size uint64) int64 { return int64(size) + 1 }) { //nolint:gosec // a size on disk
		return fmt.Errorf("%w: NATS is away, too", errNotPossible)
	}
	pause(ctx, between(r, time.Second, 4*time.Second))
	// Until it succeeds: nothing else mends it.
	return waitFor(context.WithoutCancel(ctx), "the stream may grow again", time.Minute, func() bool {
		return b.limitStream(context.WithoutCancel(ctx), func(uint64) int64 { return -1 })
	})
}

// limitStream limits the stream's size, and reports whether NATS has done so.
func (b *house) limitStream(ctx context.Context, limit func(size uint64) int64) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	st, err := b.js.Stream(ctx, stream.Name)
	if err != nil {
		return false
	}
	info := st.CachedInfo()
	cfg := info.Config
	cfg.MaxBytes = limit(info.State.Bytes)
	_, err = b.js.UpdateStream(ctx, cfg)
	return err == nil
}

// errNotPossible reports that a fault cannot be had, now or on this machine.
var errNotPossible = errors.New("not possible")

// fillDisk takes all space that DuckDB's disk has left.
func fillDisk(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	if b.disk == "" {
		return fmt.Errorf("%w: only root may mount a small disk", errNotPossible)
	}
	path := filepath.Join(b.disk, "filler")
	defer os.Remove(path)
	var st syscall.Statfs_t
	if err := syscall.Statfs(b.disk, &st); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_ = syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize) //nolint:gosec // as much as there is, or nearly
	pause(ctx, between(r, 2*time.Second, 6*time.Second))
	return nil
}

// breakBigQuery lets it fail in one of its ways.
func breakBigQuery(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	long := between(r, 2*time.Second, 7*time.Second)
	switch way := r.IntN(5); way {
	case 0:
		b.bigquery.Stop()
		pause(ctx, long)
		b.bigquery.Restart()
	case 1:
		b.bigquery.Hang()
		pause(ctx, long)
		b.bigquery.Restart()
	default:
		kind := []bigqueryfake.Kind{bigqueryfake.DropAfter, bigqueryfake.Unavailable, bigqueryfake.ThroughputQuota}[way-2]
		b.bigquery.Fault(func(q bigqueryfake.Request) bigqueryfake.Fault {
			if q.Number%2 == 0 {
				return bigqueryfake.Fault{Delay: 50 * time.Millisecond}
			}
			return bigqueryfake.Fault{Kind: kind}
		})
		pause(ctx, long)
		b.bigquery.Fault(nil)
	}
	return nil
}

// breakTrack lets the Track API fail in one of its ways.
func breakTrack(ctx context.Context, b *house, _ *sender, r *rand.Rand) error {
	f := []customeriotest.Fault{
		{Status: http.StatusServiceUnavailable},
		{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
		{Hang: true},
		{Drop: true},
		{Drop: true, AfterEffect: true},
		{Status: http.StatusUnauthorized},
	}[r.IntN(6)]
	b.track.SetFault(func(*http.Request) *customeriotest.Fault { return &f })
	pause(ctx, between(r, 2*time.Second, 7*time.Second))
	b.track.SetFault(nil)
	return nil
}

// skewClock sets the sender's clock wrong, within what ingest tolerates: up to days
// late and nearly five minutes early.
func skewClock(ctx context.Context, _ *house, s *sender, r *rand.Rand) error {
	s.skew.Store(int64(between(r, -7*24*time.Hour, 4*time.Minute)))
	pause(ctx, between(r, 2*time.Second, 6*time.Second))
	s.skew.Store(0)
	return nil
}

// describe is a line of the timeline.
func describe(at time.Duration, name, what string) string {
	return fmt.Sprintf("%6.1f s  %-24s %s", at.Seconds(), name, what)
}
