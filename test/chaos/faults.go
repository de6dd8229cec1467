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
	"github.com/cioevents/cioevents/test/lab"
)

// A fault breaks a part of the deployment. The function breaks the part, waits and
// repairs the part. Faults with a common lock never overlap; blanks separate the locks.
type fault struct {
	name  string
	locks string
	do    func(ctx context.Context, d *deployment, s *sender, r *rand.Rand) error
}

// killOfIngest is the only fault that may cause a penalty.
const killOfIngest = "kill of ingest"

func faults() []fault {
	return []fault{
		{killOfIngest, "ingest", killIngest},
		{"restart of ingest", "ingest", restartIngest},
		{"restart of ingest", "ingest", restartIngest},
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
		{"proxy of the Track API", "track", answerAsProxy},
		{"clock of the sender", "clock", skewClock},
		{"deleted consumer", "consumer", deleteConsumer},
		{"deleted consumer", "consumer", deleteConsumer},
		{"edited consumer", "consumer", editConsumer},
		{"edited consumer", "consumer", editConsumer},
		{"deleted dead letters", "dead", deleteDeadLetters},
		{"restarts, no Track API", "worker track", restartWithoutTrack},
		{"restarts, no BigQuery", "worker bigquery", restartWithoutBigQuery},
		{"password of ingest", "nats ingest", rotate("ingest")},
		{"password of the workers", "nats worker", rotate("worker")},
		{"limited account", "nats worker", limitAccount},
		{"half-open to NATS", "network", silenceNATS},
		{"half-open to ingest", "ingest network", silenceIngest},
		{"slow network", "network", slowNetwork},
		{"stalled network", "network", stallNetwork},
		{"new NATS member", "nats", replaceMember},
		{"flipped bits", "nats", flipBits},
	}
}

// between returns a random duration from from to to.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// restartKilled kills a process and starts the process again after a while.
func restartKilled(ctx context.Context, p *lab.Process, away time.Duration) error {
	p.Kill()
	lab.Pause(ctx, away)
	return p.Start()
}

func killIngest(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	p := d.ingests[r.IntN(len(d.ingests))]
	if err := restartKilled(ctx, p, between(r, 200*time.Millisecond, 2*time.Second)); err != nil {
		return err
	}
	lab.Pause(ctx, time.Second)
	return nil
}

func restartIngest(ctx context.Context, d *deployment, _ *sender, _ *rand.Rand) error {
	for i := range d.ingests {
		if err := d.restart(ctx, i, d.ingests[i].StartReady); err != nil {
			return err
		}
	}
	return nil
}

func killWorker(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	return restartKilled(ctx, d.workers[r.IntN(len(d.workers))], between(r, 200*time.Millisecond, 2*time.Second))
}

func restartWorkers(ctx context.Context, d *deployment, _ *sender, _ *rand.Rand) error {
	for _, p := range d.workers {
		p.Stop()
		if err := p.Start(); err != nil {
			return err
		}
		lab.Pause(ctx, 500*time.Millisecond)
	}
	return nil
}

func killNATS(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	return restartKilled(ctx, d.cluster.server(d.cluster.random(r)), between(r, time.Second, 4*time.Second))
}

// stopLeader stops the leader without ending the process: the connections stay open
// and silent.
func stopLeader(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	i, err := d.leader(ctx)
	if err != nil {
		i = d.cluster.random(r) // The stream has no leader now.
	}
	d.cluster.server(i).Signal(syscall.SIGSTOP)
	lab.Pause(ctx, between(r, 2*time.Second, 7*time.Second))
	d.cluster.server(i).Signal(syscall.SIGCONT)
	return nil
}

func cutNATS(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	restore := d.cluster.cut(d.cluster.random(r))
	lab.Pause(ctx, between(r, 2*time.Second, 7*time.Second))
	restore()
	return nil
}

// fillStream limits the stream to its current size.
func fillStream(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	err := d.limitStream(ctx, func(size uint64) int64 { return int64(size) + 1 }) //nolint:gosec // The size of a file fits.
	if err != nil {
		err = fmt.Errorf("%w: NATS does not answer", errNotPossible) // NATS may set the limit later.
	}
	lab.Pause(ctx, between(r, time.Second, 4*time.Second))
	// The limit must be removed before the run can go on.
	removed := lab.WaitFor(ctx, "the limit of the stream is removed", time.Minute, func() error {
		return d.limitStream(ctx, func(uint64) int64 { return -1 })
	})
	if removed != nil {
		return removed
	}
	return err
}

// limitStream limits the size of the stream in bytes.
func (d *deployment) limitStream(ctx context.Context, limit func(size uint64) int64) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	st, err := d.client.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return err
	}
	info := st.CachedInfo()
	cfg := info.Config
	cfg.MaxBytes = limit(info.State.Bytes)
	_, err = d.client.JetStream.UpdateStream(ctx, cfg)
	return err
}

// errNotPossible means that a fault is not possible now or on this machine.
var errNotPossible = errors.New("not possible")

// fillDisk fills the free space of DuckDB's disk.
func fillDisk(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	if d.disk == "" {
		return fmt.Errorf("%w: mounting a small disk needs root", errNotPossible)
	}
	path := filepath.Join(d.disk, "filler")
	defer os.Remove(path)
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.disk, &st); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_ = syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize) //nolint:gosec // A little less than the free space is enough, too.
	lab.Pause(ctx, between(r, 2*time.Second, 6*time.Second))
	return nil
}

// breakBigQuery lets BigQuery fail in a random way.
func breakBigQuery(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	long := between(r, 2*time.Second, 7*time.Second)
	switch way := r.IntN(5); way {
	case 0:
		d.bigquery.Stop()
		lab.Pause(ctx, long)
		d.bigquery.Restart()
	case 1:
		d.bigquery.Hang()
		lab.Pause(ctx, long)
		d.bigquery.Restart()
	default:
		kind := []bigqueryfake.Kind{bigqueryfake.DropAfter, bigqueryfake.Unavailable, bigqueryfake.ThroughputQuota}[way-2]
		d.bigquery.Fault(func(q bigqueryfake.Request) bigqueryfake.Fault {
			if q.Number%2 == 0 {
				return bigqueryfake.Fault{Delay: 50 * time.Millisecond}
			}
			return bigqueryfake.Fault{Kind: kind}
		})
		lab.Pause(ctx, long)
		d.bigquery.Fault(nil)
	}
	return nil
}

// breakTrack lets the Track API fail in a random way.
func breakTrack(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	fault := []customeriotest.Fault{
		{Status: http.StatusServiceUnavailable},
		{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
		{Hang: true},
		{Drop: true},
		{Drop: true, AfterEffect: true},
		{Status: http.StatusUnauthorized},
	}[r.IntN(6)]
	d.track.Fail(&fault)
	lab.Pause(ctx, between(r, 2*time.Second, 7*time.Second))
	d.track.Fail(nil)
	return nil
}

// skewClock sets the sender's clock wrong within the tolerance of ingest: up to seven
// days slow or four minutes fast.
func skewClock(ctx context.Context, _ *deployment, s *sender, r *rand.Rand) error {
	s.skew.Store(int64(between(r, -7*24*time.Hour, 4*time.Minute)))
	lab.Pause(ctx, between(r, 2*time.Second, 6*time.Second))
	s.skew.Store(0)
	return nil
}

// describe returns a line of the timeline.
func describe(at time.Duration, name, what string) string {
	return fmt.Sprintf("%6.1f s  %-24s %s", at.Seconds(), name, what)
}
