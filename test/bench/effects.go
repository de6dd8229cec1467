package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// allowance is how many requests a second the imitated Track API lets through.
const allowance = 100

// benchEffects measures how a newsletter's opens are worked off through a Track
// API that refuses what is beyond its allowance, and how long a complaint takes
// that comes meanwhile. The parts are all runs, or those that are named.
func benchEffects(ctx context.Context, dir string, parts []string) error {
	path, err := build(ctx, dir, "worker")
	if err != nil {
		return err
	}
	runs := []opens{
		{name: "drain", events: 1_000_000, people: 100_000},
		{name: "fold", events: 100_000, people: 10_000},
		{name: "busy", events: 500_000, people: 100_000, complaints: 5},
		// A person a request, and more of them than are let through.
		{name: "rate", events: 7_000, people: 7_000, batch: 1, rate: 1.5 * allowance},
	}
	for _, o := range runs {
		if len(parts) > 0 && !slices.Contains(parts, o.name) {
			continue
		}
		if err := drainOpens(ctx, path, filepath.Join(dir, o.name), o); err != nil {
			return err
		}
	}
	return nil
}

// opens is one run of the bench.
type opens struct {
	name           string
	events, people int
	batch          int     // ENGAGEMENT_BATCH; 0 is its default
	complaints     int     // a second, while the opens are worked off
	rate           float64 // that is configured; 0 is the allowance
}

func drainOpens(ctx context.Context, path, dir string, o opens) error {
	server, conn, err := startStream(ctx, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	defer conn.Close()
	if err := fillOpens(ctx, server.addr, o); err != nil {
		return err
	}
	fake := customeriotest.New(customeriotest.Config{KnowsEverybody: true, Rate: allowance, CallLog: 1})
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	api := &http.Server{Handler: fake, ReadHeaderTimeout: 5 * time.Second}
	defer api.Close()
	go func() { _ = api.Serve(ln) }()

	start := time.Now()
	worker, err := startEffects(ctx, path, server.addr, "http://"+ln.Addr().String(), o)
	if err != nil {
		return err
	}
	defer worker.stop()
	done := make(chan struct{})
	var waits []time.Duration
	var complaining sync.WaitGroup
	if o.complaints > 0 {
		complaining.Go(func() { waits = complain(ctx, server.addr, fake, o.complaints, done) })
	}
	err = waitDrained(ctx, conn, workerapp.Engagement)
	took := time.Since(start)
	close(done)
	complaining.Wait()
	if err != nil {
		return err
	}
	report(o, took, fake.Counts(), waits)
	fmt.Printf("  largest resident memory of the worker: %.0f MiB\n", worker.peakRSS())
	return nil
}

func report(o opens, took time.Duration, c customeriotest.Counts, waits []time.Duration) {
	fmt.Printf("\n%s: %d opens of %d people: %.1f s, %.0f events/s\n", o.name, o.events, o.people, took.Seconds(), float64(o.events)/took.Seconds())
	fmt.Printf("  %d requests (%.1f a second, %.1f %% of them refused), %d updates\n", c.Requests, float64(c.Requests)/took.Seconds(),
		100*float64(c.RateLimited)/float64(c.Requests), c.Identify)
	if len(waits) > 0 {
		slices.Sort(waits)
		fmt.Printf("  %d complaints meanwhile, from publish to suppressed: p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", len(waits),
			milliseconds(waits[len(waits)/2]), milliseconds(waits[len(waits)*99/100]), milliseconds(waits[len(waits)-1]))
	}
}

// startEffects runs the worker program with its default settings, but for those of
// the run.
func startEffects(ctx context.Context, path, natsURL, apiURL string, o opens) (*child, error) {
	env := []string{
		"NATS_URL=" + natsURL, "ADMIN_ADDR=127.0.0.1:0", "WORKER_CONSUMERS=suppression,engagement", "LOG_LEVEL=warn",
		"CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_TRACK_API_KEY=key", "CUSTOMERIO_TRACK_URL=" + apiURL,
	}
	if o.batch > 0 {
		env = append(env, "ENGAGEMENT_BATCH="+strconv.Itoa(o.batch))
	}
	if o.rate > 0 {
		env = append(env, "TRACK_RATE="+strconv.FormatFloat(o.rate, 'f', -1, 64))
	}
	return startProgram(ctx, path, env...)
}

func openOf(i, person int, at time.Time) *nats.Msg {
	m := event.Message{Workspace: config.DefaultWorkspace, ObjectType: "email", Metric: "opened"}
	return &nats.Msg{
		Subject: stream.Subject(&m),
		Data: fmt.Appendf(nil, `{"event_id":"open-%d","object_type":"email","metric":"opened","timestamp":%d,"data":{"delivery_id":"delivery-%d","action_id":96,"campaign_id":23,`+
			`"identifiers":{"id":"%d","email":"person-%d@example.com","cio_id":"d9c1%08x"},"customer_id":"%d","recipient":"person-%d@example.com","subject":"News of the week"}}`,
			i, at.Unix(), i, person, person, person, person, person),
		Header: nats.Header{nats.MsgIdHdr: {fmt.Sprint("default:open-", i)}, "Cio-Received-At": {at.Format(time.RFC3339Nano)}},
	}
}

// fillOpens publishes the opens in a random order of people.
func fillOpens(ctx context.Context, url string, o opens) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return err
	}
	begin := time.Now().Add(-time.Hour).UTC()
	order := rand.New(rand.NewPCG(1, 2)).Perm(o.events)
	for i, n := range order {
		at := begin.Add(time.Hour * time.Duration(i) / time.Duration(o.events))
		if _, err := js.PublishMsgAsync(openOf(i, n%o.people, at)); err != nil {
			return err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// complain publishes complaints of people of their own and measures how long each
// takes to suppress its person.
func complain(ctx context.Context, url string, fake *customeriotest.Fake, perSecond int, done <-chan struct{}) []time.Duration {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil
	}
	defer nc.Close()
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
		id := fmt.Sprint("complainant-", i)
		m := event.Message{Workspace: config.DefaultWorkspace, ObjectType: "email", Metric: "spammed"}
		body := fmt.Appendf(nil, `{"event_id":"%s","object_type":"email","metric":"spammed","timestamp":%d,"data":{"customer_id":"%s"}}`, id, time.Now().Unix(), id)
		start := time.Now()
		msg := &nats.Msg{Subject: stream.Subject(&m), Data: body, Header: nats.Header{"Cio-Received-At": {start.UTC().Format(time.RFC3339Nano)}}}
		if err := nc.PublishMsg(msg); err != nil {
			return waits
		}
		for !fake.Suppressed(id) && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		waits = append(waits, time.Since(start))
	}
}
