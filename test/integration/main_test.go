// Package integration_test sends webhook calls through the real programs: ingest and
// worker with a NATS server, a stand-in for the Track API over HTTP, and DuckDB.
package integration_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

// workerRole is the first argument that turns the test binary into the worker.
const workerRole = "worker"

// TestMain lets the test binary be the worker, so that a test can kill it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerRole {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := runWorker(ctx, os.Getenv)
		stop()
		os.Exit(config.ExitCode(os.Stderr, "worker", err))
	}
	code := m.Run()
	_ = os.RemoveAll(programsDir)
	os.Exit(code)
}

// programsDir is the folder of buildOnce, "" before.
var programsDir string

// buildOnce compiles the programs of the product: a link takes a minute.
var buildOnce = sync.OnceValue(func() (err error) {
	if programsDir, err = os.MkdirTemp("", "programs"); err != nil {
		return err
	}
	return lab.Build(context.Background(), programsDir, "ingest", "worker", "cioctl")
})

// buildPrograms returns the folder with the programs of the product.
func buildPrograms(t *testing.T) string {
	t.Helper()
	if err := buildOnce(); err != nil {
		t.Fatal(err)
	}
	return programsDir
}

func runWorker(ctx context.Context, getenv func(string) string) error {
	var cfg workerapp.Config
	set := config.New("worker", getenv)
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		return err
	}
	app, err := workerapp.New(cfg, zerolog.Nop())
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// A pipeline contains the programs and the stand-ins of one test.
type pipeline struct {
	t    *testing.T
	nats *streamtest.Server
	api  *lab.TrackAPI
	url  string

	ingest *ingestapp.App
	env    lab.Env // of the worker
	server string  // the NATS server's address
	path   string  // of the DuckDB file
	client *lab.Client
}

func start(t *testing.T, options ...streamtest.Option) *pipeline {
	t.Helper()
	p := &pipeline{t: t, path: filepath.Join(t.TempDir(), "events.duckdb")}
	p.nats = streamtest.Start(t, options...)
	p.connect(p.nats.URL(), stream.Settings{})
	p.env = lab.WorkerEnv(p.nats.URL()).With(lab.WarehouseEnv("duckdb:"+p.path), lab.Env{"TRACK_RATE": "10000"})
	p.startTrackAPI(customeriotest.Config{KnowsEverybody: true, CallLog: 50_000})
	p.startIngest()
	return p
}

// connect connects to a NATS server, which ingest will use, too, and creates the streams.
func (p *pipeline) connect(url string, settings stream.Settings) {
	p.t.Helper()
	client, err := lab.Connect(p.t.Context(), url, settings)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(client.Close)
	p.server, p.client = url, client
}

// startTrackAPI starts a stand-in for the Track API. The next worker uses the stand-in
// instead of a former one.
func (p *pipeline) startTrackAPI(cfg customeriotest.Config, people ...customeriotest.Profile) {
	p.t.Helper()
	api, err := lab.StartTrackAPI(cfg, people...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(api.Refuse)
	p.api, p.env = api, p.env.With(lab.TrackEnv(api.URL()))
}

func (p *pipeline) startIngest() {
	p.t.Helper()
	var cfg ingestapp.Config
	set := config.New("ingest", lab.IngestEnv(p.server).Get)
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		p.t.Fatal(err)
	}
	app, err := ingestapp.New(cfg, zerolog.Nop())
	if err != nil {
		p.t.Fatal(err)
	}
	p.ingest = app
	p.url = "http://" + app.Addr().String() + "/webhooks/customerio"
	p.background(app.Run)
	p.wait("ingest connects", 10*time.Second, func() error { return p.client.Ready(p.t.Context()) })
}

func (p *pipeline) startWorker() {
	p.t.Helper()
	p.background(func(ctx context.Context) error {
		return runWorker(ctx, p.env.Get)
	})
}

// background runs a program until the end of the test.
func (p *pipeline) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("run program: %v", err)
		}
	})
}

func (p *pipeline) wait(what string, within time.Duration, check func() error) {
	p.t.Helper()
	if err := lab.WaitFor(p.t.Context(), what, within, check); err != nil {
		p.t.Fatal(err)
	}
}

var errNotYet = errors.New("not yet")

func (p *pipeline) eventually(what string, within time.Duration, ok func() bool) {
	p.t.Helper()
	p.wait(what, within, func() error {
		if ok() {
			return nil
		}
		return errNotYet
	})
}

// post sends a body with the given headers, or with a v0 signature without headers.
func (p *pipeline) post(body []byte, headers ...string) (status int, answer string, took time.Duration) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if len(headers) == 0 {
		webhook.SignRequest(req.Header, lab.SigningKey, time.Now(), body)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	begin := time.Now()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatalf("send call: %v", err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text), time.Since(begin)
}

func (p *pipeline) accept(body []byte) {
	p.t.Helper()
	if status, answer, _ := p.post(body); status != http.StatusOK {
		p.t.Fatalf("answer is %d %s, want 200", status, answer)
	}
}

// drained waits until every consumer has handled everything.
func (p *pipeline) drained(consumers int, within time.Duration) {
	p.t.Helper()
	p.wait("every consumer has handled every message", within, func() error { return p.client.Drained(p.t.Context(), consumers) })
}

func (p *pipeline) query(format string, args ...any) [][]any {
	p.t.Helper()
	table, err := duckdb.Query(p.t.Context(), p.path, fmt.Sprintf(format, args...))
	if err != nil {
		p.t.Fatal(err)
	}
	return table.Rows
}

// deadLetters returns the bodies of the dead letters by id. The parts of a large body
// are joined.
func (p *pipeline) deadLetters() map[string]string {
	p.t.Helper()
	bodies := map[string]string{}
	err := p.client.TailDeadLetters(p.t.Context(), stream.Selection{}, func(d event.StoredDeadLetter) bool {
		bodies[d.ID] += string(d.Body)
		return true
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return bodies
}

func (p *pipeline) callsOf(identifier string) string {
	var kinds []string
	for _, c := range p.api.Calls() {
		if c.Identifier == identifier {
			kinds = append(kinds, string(c.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// largePayload lets the NATS server accept the largest body without stripping.
func largePayload(o *natsserver.Options) { o.MaxPayload = 9 << 20 }
