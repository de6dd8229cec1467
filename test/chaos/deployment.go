package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/test/lab"
)

const (
	// drainDelay is how long ingest goes on after SIGTERM, noticeDelay how long the
	// balancer takes to notice the SIGTERM.
	drainDelay  = time.Second
	noticeDelay = 300 * time.Millisecond
)

// A deployment contains the NATS cluster, the programs, and the stand-ins for
// Customer.io and BigQuery.
type deployment struct {
	cfg      Config
	cluster  *cluster
	client   *lab.Client
	ingests  [2]*lab.Process
	workers  [3]*lab.Process
	balancer *balancer
	webhook  string // the URL that Customer.io calls
	track    *lab.TrackAPI
	bigquery *lab.BigQuery
	dead     []event.DeadLetter // of streams that a fault has deleted
	wiped    int                // how often a server had to copy the stream again
	duckdb   string             // the path of the file
	disk     string             // the mount point of a small disk for the file, "" when mounting failed
	closers  []func()
}

// maxAttempts is smaller than restarts: no number of restarts in an outage makes a dead
// letter.
const maxAttempts = 8

func newDeployment(ctx context.Context, cfg Config, h *lab.History) (*deployment, error) {
	d := &deployment{cfg: cfg}
	if err := d.start(ctx, h); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *deployment) start(ctx context.Context, h *lab.History) error {
	programs := []string{"ingest", "worker"}
	if d.cfg.Limit > 0 {
		programs = append(programs, "cioctl") // to release the held suppressions
	}
	if err := lab.Build(ctx, d.cfg.Dir, programs...); err != nil {
		return err
	}
	if err := d.startCluster(ctx); err != nil {
		return err
	}
	if err := d.startStandIns(h); err != nil {
		return err
	}
	if err := d.startPrograms(ctx); err != nil {
		return err
	}
	return d.startBalancer()
}

func (d *deployment) startCluster(ctx context.Context) (err error) {
	a, err := newAccounts(ctx, d.cfg.Dir)
	if err != nil {
		return err
	}
	if d.cluster, err = newCluster(d.cfg.Dir, a); err != nil {
		return err
	}
	d.closers = append(d.closers, d.cluster.close)
	for _, i := range d.cluster.members() {
		if err := d.startLogged(d.cluster.server(i)); err != nil {
			return err
		}
	}
	if d.client, err = lab.Connect(ctx, d.cluster.url(operator), stream.Settings{Replicas: nodes}); err != nil {
		return err
	}
	d.closers = append(d.closers, d.client.Close)
	return nil
}

// startLogged starts a process that writes its output to a file.
func (d *deployment) startLogged(p *lab.Process) error {
	log, err := os.Create(filepath.Join(d.cfg.Dir, p.Name+".log"))
	if err != nil {
		return err
	}
	d.closers = append(d.closers, func() {
		p.Kill()
		_ = log.Close() // The file was written without a buffer.
	})
	p.Stdout, p.Stderr = log, log
	return p.Start()
}

// startStandIns starts the Track API and BigQuery, and mounts a small disk.
func (d *deployment) startStandIns(h *lab.History) (err error) {
	if d.track, err = lab.StartTrackAPI(customeriotest.Config{CallLog: 1 << 20}, h.People()...); err != nil {
		return err
	}
	d.closers = append(d.closers, d.track.Refuse)
	if d.bigquery, err = lab.StartBigQuery(bigqueryfake.Config{}); err != nil {
		return err
	}
	d.closers = append(d.closers, d.bigquery.Close)
	folder := filepath.Join(d.cfg.Dir, "disk")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	d.duckdb = filepath.Join(folder, "events.duckdb")
	if syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1g") == nil { // Only root may mount, and not on every machine.
		d.disk = folder
		d.closers = append(d.closers, func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	}
	return nil
}

func (d *deployment) startPrograms(ctx context.Context) error {
	programs := lab.Programs{
		Bin: d.cfg.Dir,
		Env: lab.Env{"STREAM_REPLICAS": strconv.Itoa(nodes), "LOG_LEVEL": "info"},
	}
	settings := lab.Env{
		"MAX_ATTEMPTS": strconv.Itoa(maxAttempts), "SUPPRESSION_LIMIT": strconv.Itoa(d.cfg.Limit),
		"MAX_ACK_PENDING": strconv.Itoa(maxAckPending), "DEAD_STREAM_MAX_BYTES": deadMaxBytes,
	}
	for i := range d.ingests {
		d.ingests[i] = programs.Ingest(lab.Env{"DRAIN_DELAY": drainDelay.String(), "NATS_URL": d.cluster.url("ingest")})
		d.ingests[i].Name = fmt.Sprint("ingest-", i)
	}
	for i := range d.workers {
		d.workers[i] = programs.Worker(settings, lab.Env{"NATS_URL": d.cluster.url("worker")}, lab.TrackEnv(d.track.URL()), lab.WarehouseEnv(d.bigquery.URL()+"&timeout=5s", "duckdb:"+d.duckdb))
		d.workers[i].Name = fmt.Sprint("worker-", i)
	}
	for _, p := range d.programs() {
		if err := d.startLogged(p); err != nil {
			return err
		}
	}
	for _, p := range d.programs() {
		if err := p.StartReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) startBalancer() error {
	var err error
	if d.balancer, err = newBalancer(d.ingests[:]); err != nil {
		return err
	}
	server, addr, err := lab.Serve("", d.balancer)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, d.balancer.close, func() { _ = server.Close() })
	d.webhook = "http://" + addr + "/webhooks/customerio"
	return nil
}

// programs returns the processes of the product.
func (d *deployment) programs() []*lab.Process {
	return append(d.ingests[:len(d.ingests):len(d.ingests)], d.workers[:]...)
}

// consumers is how many consumers the workers create: suppression, engagement and one
// for each of two warehouses.
const consumers = 4

// drain waits until two checks, 100 ms apart, find no message left.
func (d *deployment) drain(ctx context.Context) (took time.Duration, err error) {
	start := time.Now()
	err = lab.WaitFor(ctx, "everything is handled", drainWithin, func() error {
		if err := d.client.Drained(ctx, consumers); err != nil {
			return err
		}
		lab.Pause(ctx, 100*time.Millisecond)
		return d.client.Drained(ctx, consumers)
	})
	return time.Since(start), err
}

// restart restarts ingest i as a rollout does. The balancer uses ingest again after start
// has returned.
func (d *deployment) restart(ctx context.Context, i int, start func(context.Context) error) error {
	p, b := d.ingests[i], d.balancer.backends[i]
	time.AfterFunc(noticeDelay, func() { b.set(true) })
	p.Stop()
	err := start(ctx)
	b.set(false)
	return err
}

// close ends everything in the reverse order of the start.
func (d *deployment) close() {
	for _, c := range slices.Backward(d.closers) {
		c()
	}
}

// leader returns the place of the server that leads the stream.
func (d *deployment) leader(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := d.client.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return 0, err
	}
	c := st.CachedInfo().Cluster
	for _, i := range d.cluster.members() {
		if c != nil && d.cluster.server(i).Name == c.Leader {
			return i, nil
		}
	}
	return 0, errors.New("stream " + stream.Name + " has no leader")
}
