package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// allowance is how many requests a second the stand-in for the Track API accepts.
const allowance = 100

const effectsUsage = `effects measures profile updates with an API that accepts 100 requests a second. Without
names every run is measured.

Usage:
  go run ./test/bench effects [drain] [fold] [busy] [rate] [burst] [killed] [contents] [large]

  drain     a million opens of 100,000 people
  fold      100,000 opens of 10,000 people
  busy      complaints during 500,000 opens
  rate      one person a request, and more requests than the API accepts
  burst     200,000 opens beside the warehouse of DuckDB; has a bound on memory
  killed    the same after a kill with a full batch in hand
  contents  20,000 opens of 50 kB
  large     20,000 opens of 100 kB
`

func prepareEffects(*flag.FlagSet) func([]string) (measure, error) {
	return func(names []string) (measure, error) {
		all := make([]string, 0, len(effectsRuns))
		for _, o := range effectsRuns {
			all = append(all, o.name)
		}
		return func(ctx context.Context, dir string, observe during) error {
			return benchEffects(ctx, dir, observe, names)
		}, known(names, all)
	}
}

// benchEffects measures how fast the worker handles the opens of a newsletter when
// the Track API refuses requests above its allowance, and how long a complaint takes
// at the same time. Without names every run is measured.
func benchEffects(ctx context.Context, dir string, observe during, names []string) error {
	if err := lab.Build(ctx, dir, "worker"); err != nil {
		return err
	}
	var broken error
	for _, o := range effectsRuns {
		if len(names) > 0 && !slices.Contains(names, o.name) {
			continue
		}
		// The allowance of the stand-in bounds most figures: a cache line changes little.
		err := observe.noted(ctx, o.name, condition.disturbed, func(ctx context.Context) error {
			return drainOpens(ctx, dir, filepath.Join(dir, o.name), o)
		})
		broken = errors.Join(broken, err)
		if err != nil && !errors.Is(err, errBound) && !onlyNotJudged(err) {
			break
		}
	}
	return broken
}

// effectsRuns are the runs of benchEffects.
var effectsRuns = []opens{
	{name: "drain", events: 1_000_000, people: 100_000},
	{name: "fold", events: 100_000, people: 10_000},
	{name: "busy", events: 500_000, people: 100_000, complaints: 5},
	// One person a request, and more requests than the API accepts.
	{name: "rate", events: 7_000, people: 7_000, batch: 1, rate: 1.5 * allowance},
	// The memory of a worker with all consumers, and ENGAGEMENT_BATCH opens in hand.
	{name: "burst", events: 200_000, people: 100_000, all: true, memory: 300},
	// The same, when a killed worker had a full batch in hand.
	{name: "killed", events: 200_000, people: 100_000, all: true, killAfter: 2500 * time.Millisecond},
	// Events with the content of an e-mail.
	{name: "contents", events: 20_000, people: 20_000, all: true, content: 50_000},
	{name: "large", events: 20_000, people: 20_000, all: true, content: 100_000},
}

// opens configures one run of benchEffects.
type opens struct {
	name           string
	events, people int
	batch          int           // ENGAGEMENT_BATCH; 0 for the default
	complaints     int           // complaints a second while the worker handles the opens
	rate           float64       // TRACK_RATE; 0 for the default, which equals the allowance
	all            bool          // all consumers, the warehouse of DuckDB included
	killAfter      time.Duration // of a worker before the measured one
	content        int           // bytes of content in each event
	memory         float64       // MiB, the bound of the worker's resident memory; 0 for no bound
}

func drainOpens(ctx context.Context, bin, dir string, o opens) error {
	system, err := startSystem(ctx, bin, dir)
	if err != nil {
		return err
	}
	defer system.Close()
	if err := fillOpens(ctx, system.Client, o); err != nil {
		return err
	}
	api, err := lab.StartTrackAPI(customeriotest.Config{KnowsEverybody: true, Rate: allowance, CallLog: 1})
	if err != nil {
		return err
	}
	defer api.Refuse()

	worker := system.Worker(lab.Consumers(o.consumers()...), lab.TrackEnv(api.URL()), o.env(dir))
	defer worker.Stop()
	if o.killAfter > 0 {
		if err := killed(ctx, worker, o.killAfter); err != nil {
			return err
		}
	}
	start := time.Now()
	if err := worker.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	var waits []time.Duration
	var complaining sync.WaitGroup
	if o.complaints > 0 {
		complaining.Go(func() { waits = complain(ctx, system.Client, api, o.complaints, done) })
	}
	var memory heap
	complaining.Go(func() { memory = watchHeap(ctx, worker, done) })
	for _, consumer := range o.consumers()[1:] {
		err = errors.Join(err, system.WaitHandled(ctx, handledWithin, consumer))
	}
	took := time.Since(start)
	close(done)
	complaining.Wait()
	if err != nil {
		return err
	}
	o.print(took, api.Counts(), waits)
	fmt.Printf("  peak RSS of the worker: %.0f MiB; %s; %.1f s of processor time\n", worker.PeakRSS(), memory, worker.CPU().Seconds())
	if o.memory > 0 {
		return memoryBound("the worker in "+o.name, worker.PeakRSS(), o.memory)
	}
	return nil
}

// killed starts a worker and kills it after a while.
func killed(ctx context.Context, worker *lab.Process, after time.Duration) error {
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Kill()
	select {
	case <-time.After(after):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o opens) print(took time.Duration, c customeriotest.Counts, waits []time.Duration) {
	fmt.Printf("\n%s: %d opens of %d people: %.1f s, %.0f events/s\n", o.name, o.events, o.people, took.Seconds(), float64(o.events)/took.Seconds())
	fmt.Printf("  %d requests (%.1f a second, %.1f %% of them refused), %d updates\n", c.Requests, float64(c.Requests)/took.Seconds(),
		100*float64(c.RateLimited)/float64(c.Requests), c.Identify)
	if len(waits) > 0 {
		slices.Sort(waits)
		fmt.Printf("  %d complaints at the same time, from publish to suppressed: p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", len(waits),
			milliseconds(waits[len(waits)/2]), milliseconds(waits[len(waits)*99/100]), milliseconds(waits[len(waits)-1]))
	}
}

// env returns the settings of the worker that differ from their defaults.
func (o opens) env(dir string) lab.Env {
	env := lab.Env{}
	if o.all {
		env = lab.WarehouseEnv("duckdb:" + filepath.Join(dir, "bench.duckdb"))
	}
	if o.batch > 0 {
		env["ENGAGEMENT_BATCH"] = strconv.Itoa(o.batch)
	}
	if o.rate > 0 {
		env["TRACK_RATE"] = strconv.FormatFloat(o.rate, 'f', -1, 64)
	}
	return env
}

// consumers returns the consumers of the worker. All but the first receive the opens.
func (o opens) consumers() []string {
	if o.all {
		return slices.Concat(effects, []string{workerapp.Warehouse})
	}
	return effects
}

func openOf(i, person int, at time.Time, content string) *nats.Msg {
	return stream.NewMessage(&event.Message{
		Workspace: config.DefaultWorkspace, ID: fmt.Sprint("open-", i), ObjectType: "email", Metric: "opened", ReceivedAt: at,
		Body: fmt.Appendf(nil, `{"event_id":"open-%d","object_type":"email","metric":"opened","timestamp":%d,"data":{"delivery_id":"delivery-%d","action_id":96,"campaign_id":23,`+
			`"identifiers":{"id":"%d","email":"person-%d@example.com","cio_id":"d9c1%08x"},"customer_id":"%d","recipient":"person-%d@example.com","subject":"News of the week","content":%q}}`,
			i, at.Unix(), i, person, person, person, person, person, content),
	})
}

// fillOpens publishes the opens in a random order of people.
func fillOpens(ctx context.Context, client *lab.Client, o opens) error {
	begin := time.Now().Add(-time.Hour)
	order := rand.New(rand.NewPCG(1, 2)).Perm(o.events)
	return client.Publish(ctx, o.events, 0, func(i int) *nats.Msg {
		content := contentOf(i, o.content)
		return openOf(i, order[i]%o.people, begin.Add(time.Hour*time.Duration(i)/time.Duration(o.events)), content)
	})
}

// contentOf returns the content of an event, different for each event and hard to compress.
func contentOf(i, size int) string {
	bytes := make([]byte, (size+1)/2)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(strconv.Itoa(i)))).Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}

func complaintOf(id string, at time.Time) *nats.Msg {
	return stream.NewMessage(&event.Message{
		Workspace: config.DefaultWorkspace, ID: id, ObjectType: "email", Metric: "spammed", ReceivedAt: at,
		Body: fmt.Appendf(nil, `{"event_id":"%s","object_type":"email","metric":"spammed","timestamp":%d,"data":{"customer_id":"%s"}}`, id, at.Unix(), id),
	})
}

// complain publishes complaints until done is closed, each about another person. The
// result is the time from each publish to the suppression.
func complain(ctx context.Context, client *lab.Client, api *lab.TrackAPI, perSecond int, done <-chan struct{}) []time.Duration {
	var waits []time.Duration
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-done:
			return waits
		case <-ctx.Done():
			return waits
		}
		id, start := fmt.Sprint("complainant-", i), time.Now()
		if _, err := client.JetStream.PublishMsgAsync(complaintOf(id, start)); err != nil {
			return waits
		}
		for !api.Suppressed(id) && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		waits = append(waits, time.Since(start))
	}
}
