// Package dev runs the whole pipeline in one process, for newcomers and
// demonstrations: NATS, ingest, worker, fakes of Customer.io's APIs and DuckDB.
package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
)

// DefaultKey is the webhook signing key of a stack without a configured key.
const DefaultKey = "dev-signing-key"

// The webhook listener of a stack with the default settings, and its URL.
const (
	DefaultAddr = "127.0.0.1:8080"
	DefaultURL  = "http://" + DefaultAddr + ingest.Path
)

const defaultNATS = "nats://127.0.0.1:4222"

// Config is the settings of the stack: the settings of ingest and worker, with
// defaults that need no other program and listen on this machine only.
type Config struct {
	// Data is the folder of the stream and the warehouse.
	Data   string
	Ingest ingestapp.Config
	Worker workerapp.Config
	// FakeAddr is the address of the fake Track API and App API, which run if no
	// credentials are configured.
	FakeAddr string
	Console  console.Settings
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.Flags().StringVar(&c.Data, "data", "data", "folder of the stream and the warehouse")
	s.Check(func() error {
		if c.Data == "" {
			return config.Invalid("--data", c.Data, "the path of a folder")
		}
		return nil
	})
	s.Address(&c.Ingest.Addr, "INGEST_ADDR", DefaultAddr, "address of the webhook listener")
	s.Address(&c.Ingest.AdminAddr, "ADMIN_ADDR", "127.0.0.1:9090", "address of ingest's /metrics, /healthz and /readyz")
	s.Address(&c.Worker.AdminAddr, "WORKER_ADMIN_ADDR", "127.0.0.1:9091", "address of the worker's /metrics, /healthz and /readyz")
	s.String(&c.Ingest.NATS.URL, "NATS_URL", defaultNATS, "address of the embedded NATS server")
	s.Address(&c.FakeAddr, "FAKE_TRACK_ADDR", "127.0.0.1:8081", "address of the fake Track API and App API, which run if no Track API credentials are set")
	c.Console.Declare(s)
	c.Ingest.Workspaces.Declare(s, config.WantSecrets, config.WantTrack)
	c.Ingest.Receiver.Declare(s)
	s.Check(func() error { // runs before the checks of the worker
		c.Worker.Workspaces = c.Ingest.Workspaces
		if len(c.Worker.Warehouses) == 0 {
			c.Worker.Warehouses = []string{"duckdb:" + filepath.Join(c.Data, "customerio.duckdb")}
		}
		return nil
	})
	c.Worker.DeclareWorker(s)
	c.Ingest.Stream.Declare(s)
	c.Ingest.Traces.Declare(s)
	s.Check(c.complete)
}

// complete fills the settings that depend on other settings.
func (c *Config) complete() error {
	for i := range c.Ingest.Workspaces.All() {
		w := &c.Ingest.Workspaces.All()[i]
		if len(w.Secrets) == 0 {
			w.Secrets = []string{DefaultKey}
		}
		if w.SiteID != "" || w.APIKey != "" {
			c.FakeAddr = "" // credentials mean a real account
		}
	}
	if c.FakeAddr == "" {
		return c.Ingest.Workspaces.RequireTrack()
	}
	return nil
}

// A Stack is the whole pipeline in this process.
type Stack struct {
	cfg    Config
	log    zerolog.Logger
	unlock func()
	nats   *natsserver.Server
	// Fake is the fake Track API and App the fake App API, nil with credentials for the
	// real Track API.
	Fake       *customeriotest.Fake
	App        *customeriotest.App
	fakeServer *http.Server
	ingest     *ingestapp.App
	worker     *workerapp.App
	console    *console.Server
	// consoleConn is the connection of the console.
	consoleConn *stream.Conn
}

// New starts NATS and the fakes and binds all listeners. The caller runs the
// stack.
func New(cfg Config, log zerolog.Logger) (*Stack, error) {
	s := &Stack{cfg: cfg, log: log}
	if err := s.start(); err != nil {
		s.close()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w; set it to a free address, or stop the program that listens there, perhaps another cioctl dev", err)
		}
		return nil, err
	}
	return s, nil
}

func (s *Stack) start() (err error) {
	if s.unlock, err = lockData(s.cfg.Data); err != nil {
		return err
	}
	if s.nats, err = startNATS(s.cfg.Ingest.NATS.URL, filepath.Join(s.cfg.Data, "nats"), s.log); err != nil {
		return err
	}
	s.cfg.Ingest.NATS.InProcess = s.nats
	if s.cfg.FakeAddr != "" {
		if err := s.startFake(); err != nil {
			return err
		}
	}
	if s.ingest, err = ingestapp.New(s.cfg.Ingest, s.log); err != nil {
		return err
	}
	s.worker, err = workerapp.New(s.workerConfig(), s.log)
	if err != nil && strings.HasPrefix(err.Error(), "ADMIN_ADDR:") {
		return fmt.Errorf("WORKER_%w", err) // ADMIN_ADDR is ingest's here
	}
	if err != nil {
		return err
	}
	return s.startConsole()
}

// workerConfig returns the worker's configuration, completed with the settings that
// worker and ingest share.
func (s *Stack) workerConfig() workerapp.Config {
	cfg := s.cfg.Worker
	cfg.Config, cfg.Workspaces = s.cfg.Ingest.Config, s.cfg.Ingest.Workspaces
	cfg.AdminAddr = s.cfg.Worker.AdminAddr
	if s.Fake != nil {
		cfg.Track.URL = s.FakeURL()
		for i := range cfg.Workspaces.All() {
			w := &cfg.Workspaces.All()[i]
			w.SiteID, w.APIKey = cmp.Or(w.SiteID, "dev"), cmp.Or(w.APIKey, "dev")
		}
	}
	return cfg
}

// Run runs the stack until ctx ends. The fakes and NATS stop after ingest and the worker.
func (s *Stack) Run(ctx context.Context) error {
	defer s.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.ingest.Run(ctx) })
	g.Go(func() error { return s.worker.Run(ctx) })
	g.Go(func() error { return s.console.Run(ctx) })
	if s.App != nil {
		g.Go(func() error { return s.record(ctx) })
	}
	return g.Wait()
}

func (s *Stack) close() {
	if s.console != nil {
		s.console.Close()
	}
	if s.consoleConn != nil {
		s.consoleConn.Close()
	}
	if s.ingest != nil {
		s.ingest.Close()
	}
	if s.worker != nil {
		s.worker.Close()
	}
	if s.fakeServer != nil {
		_ = s.fakeServer.Close()
	}
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
	if s.unlock != nil {
		s.unlock()
	}
}

// WebhookURL returns the address for the webhook calls of Customer.io or cioctl send.
func (s *Stack) WebhookURL() string {
	return "http://" + s.ingest.Addr().String() + ingest.Path
}

// NATSURL returns the address of the NATS server.
func (s *Stack) NATSURL() string { return s.nats.ClientURL() }

// Connect returns a connection to the stream.
func (s *Stack) Connect() (*stream.Conn, error) {
	return stream.Connect(stream.Config{Name: "cioctl", InProcess: s.nats, Log: zerolog.Nop()})
}
