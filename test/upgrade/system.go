package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/test/lab"
)

// An ingest is a process of ingest in one of the versions.
type ingest struct {
	*lab.Process
	old bool
}

func (i *ingest) url() string { return "http://" + i.Addr + "/webhooks/customerio" }

// A version contains the programs of one version.
type version struct {
	bin    string // the folder of the programs
	ingest *ingest
	worker *lab.Process
}

// A system is a NATS server, the programs of both versions, the warehouses, and the
// stand-ins for Customer.io and BigQuery.
type system struct {
	dir             string
	nats            *lab.Process
	client          *lab.Client
	track           *lab.TrackAPI
	bigquery        *lab.BigQuery
	duckdb, parquet string // the values of WAREHOUSE_URL
	before, after   *version
	closers         []func()
}

// consumers is how many consumers the workers create: suppression, engagement and one
// for each of three warehouses.
const consumers = 5

// replayTargets names the consumers of the warehouses, in the order of WAREHOUSE_URL.
var replayTargets = []string{"warehouse", "warehouse-parquet", "warehouse-bigquery"}

// newSystem builds the programs of both versions, and starts the stand-ins and the
// programs of the old version, which create the streams.
func newSystem(ctx context.Context, cfg Config, people []customeriotest.Profile) (*system, error) {
	s := &system{dir: cfg.Dir, duckdb: "duckdb:" + filepath.Join(cfg.Dir, "events.duckdb"), parquet: "parquet:" + filepath.Join(cfg.Dir, "parquet")}
	err := s.build(ctx, cfg)
	if err == nil {
		err = s.startStandIns(people)
	}
	if err == nil {
		s.before, s.after = s.version("old"), s.version("new")
		err = s.run(ctx, s.before)
	}
	if err == nil {
		s.client, err = lab.Connect(ctx, s.nats.Addr, stream.Settings{})
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.closers = append(s.closers, s.client.Close)
	return s, nil
}

func (s *system) build(ctx context.Context, cfg Config) error {
	before, after := filepath.Join(s.dir, "old"), filepath.Join(s.dir, "new")
	if err := errors.Join(os.Mkdir(before, 0o700), os.Mkdir(after, 0o700)); err != nil {
		return err
	}
	if err := buildReleased(ctx, cfg.Commit, before); err != nil {
		return err
	}
	return lab.Build(ctx, after, "ingest", "worker", "cioctl")
}

// startStandIns starts NATS, the Track API and BigQuery.
func (s *system) startStandIns(people []customeriotest.Profile) (err error) {
	if s.track, err = lab.StartTrackAPI(customeriotest.Config{CallLog: 1 << 20}, people...); err != nil {
		return err
	}
	s.closers = append(s.closers, s.track.Refuse)
	if s.bigquery, err = lab.StartBigQuery(bigqueryfake.Config{}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.bigquery.Close)
	s.nats, err = lab.NewNATS(lab.NATSConfig{Name: "nats", Dir: filepath.Join(s.dir, "jetstream"), Port: lab.FreePort(), Log: true})
	if err != nil {
		return err
	}
	if err := s.logTo(s.nats, "nats"); err != nil {
		return err
	}
	return s.nats.Start()
}

// version returns the processes of a version, which are not started. Workers of the old
// version suppress a bounce of unknown class by default, and workers of the new version
// do not: here no worker does.
func (s *system) version(name string) *version {
	programs := lab.Programs{Bin: filepath.Join(s.dir, name), NATSURL: s.nats.Addr, Env: lab.Env{"LOG_LEVEL": "info"}}
	return &version{
		bin: programs.Bin, ingest: &ingest{programs.Ingest(), name == "old"},
		worker: programs.Worker(lab.TrackEnv(s.track.URL()), lab.Env{"SUPPRESS_UNKNOWN_BOUNCE": "false"},
			lab.WarehouseEnv(s.duckdb, s.parquet, s.bigquery.URL())),
	}
}

// run starts the programs of a version and waits until they are ready.
func (s *system) run(ctx context.Context, v *version) error {
	for _, p := range []*lab.Process{v.ingest.Process, v.worker} {
		name := filepath.Base(v.bin) + "-" + p.Name
		if err := s.logTo(p, name); err != nil {
			return err
		}
		p.Name = name
		if err := p.StartReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *version) stop() {
	v.ingest.Stop()
	v.worker.Stop()
}

// handled counts messages by the version of the worker.
type handled struct{ old, new int }

// handled returns how many messages the workers have handled since their start.
func (s *system) handled(ctx context.Context) (h handled, err error) {
	for _, w := range []struct {
		worker *lab.Process
		n      *int
	}{{s.before.worker, &h.old}, {s.after.worker, &h.new}} {
		m, err := w.worker.Scrape(ctx)
		if err != nil {
			return h, err
		}
		*w.n = int(m["cioevents_worker_messages_total"])
	}
	return h, nil
}

// logTo writes the output of a process to a file, and ends the process when the system
// closes.
func (s *system) logTo(p *lab.Process, name string) error {
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		return err
	}
	p.Stdout, p.Stderr = log, log
	s.closers = append(s.closers, func() {
		p.Kill()
		_ = log.Close() // The file was written without a buffer.
	})
	return nil
}

// close ends everything in the reverse order of the start.
func (s *system) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}
