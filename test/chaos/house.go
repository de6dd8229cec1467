package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/test/lab"
)

const (
	signingKey = "chaos-signing-key"
	project    = "chaos"
	dataset    = "messaging"
	// How long ingest goes on after SIGTERM, and how long the balancer takes to know
	// of it.
	drainDelay  = time.Second
	noticeDelay = 300 * time.Millisecond
)

// A house is all that runs.
type house struct {
	cfg      Config
	cluster  *cluster
	ingests  [2]*process
	workers  [3]*process
	balancer *balancer
	webhook  string // where Customer.io sends to
	track    *customeriotest.Fake
	bigquery *bigqueryfake.Server
	duckdb   string // the file
	disk     string // its small disk, "" when none can be had
	conn     *stream.Conn
	nc       *nats.Conn
	js       jetstream.JetStream
	closers  []func()
}

func newHouse(ctx context.Context, cfg Config, h *lab.History) (*house, error) {
	b := &house{cfg: cfg}
	if err := b.build(ctx, h); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *house) build(ctx context.Context, h *lab.History) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{"ingest", "worker"} {
		if err := compile(ctx, b.cfg.Dir, name); err != nil {
			return err
		}
	}
	if b.cluster, err = newCluster(b.cfg.Dir, self); err != nil {
		return err
	}
	for _, p := range b.cluster.procs {
		if err := p.start(); err != nil {
			return err
		}
	}
	if err := b.connect(); err != nil {
		return err
	}
	settings := stream.Settings{Replicas: nodes}
	if err := waitFor(ctx, "the cluster makes the stream", time.Minute, func() bool {
		_, err := b.conn.Ensure(ctx, settings)
		return err == nil
	}); err != nil {
		return err
	}
	if err := b.startOthers(h); err != nil {
		return err
	}
	return b.startPrograms(ctx)
}

func compile(ctx context.Context, dir, name string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), "github.com/cioevents/cioevents/cmd/"+name) //nolint:gosec // a name of ours
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func (b *house) connect() (err error) {
	if b.conn, err = stream.Connect(stream.Config{URL: b.cluster.url(), Log: zerolog.Nop()}); err != nil {
		return err
	}
	b.nc, err = nats.Connect(b.cluster.url(), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return err
	}
	b.js, err = jetstream.New(b.nc)
	return err
}

// startOthers starts what is not ours in production: Customer.io's API, BigQuery, a
// disk.
func (b *house) startOthers(h *lab.History) (err error) {
	b.track = customeriotest.New(customeriotest.Config{CallLog: 1})
	b.track.Seed(h.People()...)
	if b.bigquery, err = bigqueryfake.Start(bigqueryfake.Config{}); err != nil {
		return err
	}
	b.closers = append(b.closers, b.bigquery.Close)
	folder := filepath.Join(b.cfg.Dir, "disk")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	b.duckdb = filepath.Join(folder, "events.duckdb")
	if syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=1g") == nil { // only root may, and not everywhere
		b.disk = folder
		b.closers = append(b.closers, func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	}
	return nil
}

func (b *house) serve(h http.Handler) (addr string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	b.closers = append(b.closers, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(ln) }()
	return ln.Addr().String(), nil
}

func (b *house) startPrograms(ctx context.Context) error {
	api, err := b.serve(b.track)
	if err != nil {
		return err
	}
	var addrs []string
	for i := range b.ingests {
		addr := freeAddr()
		addrs = append(addrs, addr)
		if b.ingests[i], err = b.program("ingest", i, "INGEST_ADDR="+addr,
			"CUSTOMERIO_WEBHOOK_SECRET="+signingKey, "DRAIN_DELAY="+drainDelay.String()); err != nil {
			return err
		}
	}
	query := url.Values{"grpc": {b.bigquery.GRPCEndpoint()}, "rest": {b.bigquery.RESTEndpoint()}, "timeout": {"5s"}}
	warehouses := "bigquery://" + project + "/" + dataset + "?" + query.Encode() + ",duckdb:" + b.duckdb
	for i := range b.workers {
		if b.workers[i], err = b.program("worker", i, "WAREHOUSE_URL="+warehouses,
			"CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_TRACK_API_KEY=key", "CUSTOMERIO_TRACK_URL=http://"+api); err != nil {
			return err
		}
	}
	for _, p := range b.programs() {
		if err := p.start(); err != nil {
			return err
		}
	}
	for _, p := range b.programs() {
		if err := waitFor(ctx, p.name+" is ready", time.Minute, func() bool { return p.ready(ctx) }); err != nil {
			return err
		}
	}
	b.balancer = newBalancer(addrs)
	front, err := b.serve(b.balancer)
	b.webhook = "http://" + front + "/webhooks/customerio"
	return err
}

func (b *house) program(name string, i int, env ...string) (*process, error) {
	p, err := newProcess(b.cfg.Dir, name+"-"+strconv.Itoa(i), filepath.Join(b.cfg.Dir, name))
	if err != nil {
		return nil, err
	}
	p.admin = freeAddr()
	p.env = slices.Concat(env, []string{"ADMIN_ADDR=" + p.admin, "NATS_URL=" + b.cluster.url(), "STREAM_REPLICAS=" + strconv.Itoa(nodes), "LOG_LEVEL=info"})
	return p, nil
}

// programs are those of the product.
func (b *house) programs() []*process {
	return append(b.ingests[:len(b.ingests):len(b.ingests)], b.workers[:]...)
}

// lag is what the consumers have still to handle. It is an error when they cannot
// be asked, or are not all there.
func (b *house) lag(ctx context.Context) (uint64, error) {
	s, err := b.conn.Status(ctx)
	if err != nil {
		return 0, err
	}
	if len(s.Consumers) < 4 {
		return 0, errors.New("there are only " + strconv.Itoa(len(s.Consumers)) + " consumers")
	}
	var lag uint64
	for _, c := range s.Consumers {
		lag += c.Lag
	}
	return lag, nil
}

// restart ends ingest i as a rollout does, and waits for the next to be ready.
func (b *house) restart(ctx context.Context, i int) error {
	p, be := b.ingests[i], b.balancer.backends[i]
	time.AfterFunc(noticeDelay, func() { be.set(true) })
	p.end(syscall.SIGTERM)
	if err := p.start(); err != nil {
		return err
	}
	if err := waitFor(ctx, p.name+" is ready", 30*time.Second, func() bool { return p.ready(ctx) }); err != nil {
		return err
	}
	be.set(false)
	return nil
}

func (b *house) close() {
	if b.cluster != nil {
		for _, p := range b.all() {
			p.signal(syscall.SIGCONT)
			p.signal(syscall.SIGKILL)
		}
		for _, p := range b.all() {
			p.end(syscall.SIGKILL)
			_ = p.log.Close() // only written to
		}
	}
	if b.nc != nil {
		b.nc.Close()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	for _, c := range b.closers {
		c()
	}
}

// all are the processes that were made.
func (b *house) all() (list []*process) {
	for _, p := range append(b.cluster.procs[:nodes:nodes], b.programs()...) {
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}

// leader is the number of the server that leads the stream.
func (b *house) leader(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := b.js.Stream(ctx, stream.Name)
	if err != nil {
		return 0, err
	}
	c := st.CachedInfo().Cluster
	for i, p := range b.cluster.procs {
		if c != nil && p.name == c.Leader {
			return i, nil
		}
	}
	return 0, fmt.Errorf("nobody leads stream %s", stream.Name)
}
