package integration_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// The size of TestBackfillKilled. In full, with the time and the memory of each run in the
// log: go test ./test/integration -run TestBackfillKilled -v -timeout 90m -backfill 1000000.
var backfillDeliveries = flag.Int("backfill", 2000, "deliveries of TestBackfillKilled")

// A backfillBed is a pipeline whose warehouse lacks events that Customer.io has.
type backfillBed struct {
	*pipeline
	app *customeriotest.App
	bin string
	url string  // of the warehouse
	own lab.Env // of cioctl
}

var backfillStart = time.Date(2025, 9, 1, 9, 0, 0, 0, time.UTC)

// newBackfillBed returns a bed for n deliveries, with a DuckDB file or a folder.
func newBackfillBed(t *testing.T, n int, folder bool) *backfillBed {
	t.Helper()
	b := &backfillBed{pipeline: start(t), bin: buildPrograms(t)}
	b.url = "duckdb:" + b.path
	if folder {
		b.url = "parquet:" + filepath.Join(t.TempDir(), "events")
	}
	cfg, rate := customeriotest.AppConfig{Deliveries: n + 1}, "" // the default
	if n <= 10_000 {
		cfg.PageSize, rate = 700, "10" // a page is a part of the outage
	}
	b.app = customeriotest.NewApp(cfg)
	srv, addr, err := lab.Serve("", b.app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	b.env = b.env.With(lab.WarehouseEnv(b.url))
	b.own = lab.Env{"NATS_URL": b.server, "CUSTOMERIO_APP_URL": "http://" + addr, "CUSTOMERIO_APP_API_KEY": "key", "APP_API_RATE": rate}.With(lab.WarehouseEnv(b.url))
	return b
}

// fill tells the fake of all webhooks, and the warehouse of those that have arrived, in
// batches: 2 % are lost, and all of two days.
func (b *backfillBed) fill(deliveries, batch int) {
	b.t.Helper()
	p, err := place.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := sink.Open(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	var rows []warehouse.Row
	store := func() {
		if _, err := sink.Write(b.t.Context(), rows); err != nil {
			b.t.Fatal(err)
		}
		rows = rows[:0]
	}
	dice, outage := rand.New(rand.NewPCG(7, 0)), backfillStart.AddDate(0, 0, 2)
	for body := range (webhooktest.Mix{Seed: uint64(deliveries), Deliveries: deliveries, Start: backfillStart}).Events() {
		b.app.Record(body)
		e, err := webhook.Parse(body)
		if err != nil {
			b.t.Fatal(err)
		}
		if out := e.OccurredAt.After(outage) && e.OccurredAt.Before(outage.AddDate(0, 0, 2)); out || dice.Float64() < 0.02 {
			continue
		}
		rows = append(rows, warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)}))
		if len(rows) == batch {
			store()
		}
	}
	store()
	if err := sink.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// cioctl runs a command about the period of the history, and kills the process as soon as
// kill returns true for the number of calls of the App API. From then on calls have no
// answer, so that the process does not end before. The output of a killed process is "".
func (b *backfillBed) cioctl(kill func(calls int64) bool, command string, args ...string) string {
	b.t.Helper()
	output, _ := b.measured(kill, command, args...)
	return output
}

// measured is cioctl, and returns the largest resident memory in MiB, too.
func (b *backfillBed) measured(kill func(calls int64) bool, command string, args ...string) (output string, peak float64) {
	b.t.Helper()
	var calls atomic.Int64
	b.app.SetFault(func(*http.Request) *customeriotest.Fault {
		if n := calls.Add(1); kill != nil && kill(n) {
			return &customeriotest.Fault{Hang: true}
		}
		return nil
	})
	var stdout, stderr bytes.Buffer
	p := &lab.Process{Name: "cioctl", Path: filepath.Join(b.bin, "cioctl"), Env: b.own, Stdout: &stdout, Stderr: &stderr}
	p.Args = append([]string{command, "--since", "2025-09-01", "--until", "2025-09-08", "--lookback", "24h", "--output", "json"}, args...)
	b.t.Cleanup(p.Kill)
	begin, killed := time.Now(), false
	if err := p.Start(); err != nil {
		b.t.Fatal(err)
	}
	for p.RunsSince(time.Now()) {
		peak = max(peak, p.PeakRSS())
		if kill != nil && kill(calls.Load()) {
			p.Kill()
			killed = true
		}
		lab.Pause(b.t.Context(), 5*time.Millisecond)
	}
	b.t.Logf("cioctl %s %v: %v, %d calls, %.0f MiB at most", command, args, time.Since(begin).Round(time.Second/10), calls.Load(), peak)
	if ended := stdout.Len() > 0; ended == killed {
		b.t.Fatalf("cioctl %s ended by itself: %v\n%s", command, ended, stderr.String())
	}
	return stdout.String(), peak
}

// backfill runs cioctl backfill to its end.
func (b *backfillBed) backfill(arg string) audit.Filled {
	b.t.Helper()
	return b.backfillWhile(nil, arg)
}

// backfillWhile is backfill, and calls during at times.
func (b *backfillBed) backfillWhile(during func(int64) bool, arg string) (f audit.Filled) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.cioctl(during, "backfill", arg)), &f); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// outage returns a function that restarts NATS as soon as the stream has more than n events.
// NATS is away for 4 s, longer than ingest waits for an answer.
func (b *backfillBed) outage(n int) func(int64) bool {
	var mu sync.Mutex
	began := false
	return func(int64) bool {
		mu.Lock()
		defer mu.Unlock()
		if !began && b.stored() > n {
			began = true
			b.nats.Stop()
			time.AfterFunc(4*time.Second, b.nats.Restart)
		}
		return false
	}
}

// stored counts the events of the stream.
func (b *backfillBed) stored() int {
	b.t.Helper()
	s, err := b.client.Status(b.t.Context())
	if err != nil {
		b.t.Error(err)
		return 0
	}
	return int(s.Stream.Messages)
}

// cioctl backfill is killed at several points beside a worker. The same command goes on,
// through a restart of NATS, too: no event is missing, none is stored twice, and nothing is called at the Track API.
func TestBackfillKilled(t *testing.T) {
	t.Parallel()
	n := *backfillDeliveries
	b := newBackfillBed(t, n, n > 10_000) // a folder is several times faster for millions of rows
	b.fill(n, 20_000)
	b.startWorker()
	b.wait("the consumers exist", 30*time.Second, func() error { return b.client.Drained(t.Context(), 3) })
	missing := b.backfill("--dry-run").Missing
	before := 0
	for i, kill := range []func(calls int64) bool{
		func(calls int64) bool { return calls > 0 }, // while the first page is read
		func(int64) bool { return b.stored() > 0 },
		func(int64) bool { return b.stored() > missing/3 },
		func(int64) bool { return b.stored() > before+(missing-before)/3 },
	} {
		b.cioctl(kill, "backfill", "--yes")
		before = b.stored()
		t.Logf("kill %d: %d of %d events are stored", i+1, before, missing)
	}
	f := b.backfillWhile(b.outage(before), "--yes")
	if before == 0 || before >= missing || f.Missing != missing-before || f.Stored != f.Missing || f.Repeated != 0 {
		t.Errorf("%d of %d events were stored, and then: %+v", before, missing, f)
	}
	b.drained(3, 10*time.Minute)
	if f := b.backfill("--yes"); f.Missing+f.Stored+f.Waiting+f.InStream != 0 {
		t.Errorf("again: %+v", f)
	}
	var r audit.Result
	if err := json.Unmarshal([]byte(b.cioctl(nil, "audit")), &r); err != nil || r.Missing+r.Customerio.Missing+r.Customerio.Waiting != 0 {
		t.Errorf("the audit finds %d missing and %+v, %v", r.Missing, r.Customerio, err)
	}
	b.exactlyOnce(missing)
}

// exactlyOnce checks that the stream and the warehouse have each backfilled event once, and
// the Track API none.
func (b *backfillBed) exactlyOnce(events int) {
	b.t.Helper()
	if n := b.stored(); n != events {
		b.t.Errorf("the stream has %d events, want %d", n, events)
	}
	got := rowsOf(b.t, b.url, "SELECT count(*), count(DISTINCT delivery_id || ' ' || metric) FROM customerio_events WHERE shape = 'backfill'")
	if diff := cmp.Diff([][]any{{int64(events), int64(events)}}, got); diff != "" {
		b.t.Errorf("backfilled rows and metrics of deliveries (-want +got):\n%s", diff)
	}
	if calls := b.api.Calls(); len(calls) > 0 {
		b.t.Errorf("%d calls of the Track API, the first is %+v", len(calls), calls[0])
	}
	b.noDeadLetters()
}
