package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// proveTrack takes the Track API away for a minute under load: for 20 s connections
// are refused, for 20 s calls are answered 503, for 20 s they are not answered.
func proveTrack(ctx context.Context, b *testbed) error {
	const seconds = 75 // of load
	h := lab.NewHistory(lab.HistoryConfig{
		Seed: 1, People: 3000, Opens: 200 * seconds, Others: 20 * seconds, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := lab.StartTrackAPI(customeriotest.Config{CallLog: 1}, h.People()...)
	if err != nil {
		return err
	}
	defer api.Refuse()
	worker := b.Worker(lab.Consumers(effects...), lab.TrackEnv(api.URL()))
	defer worker.Stop()
	if err := worker.Start(); err != nil {
		return err
	}
	published := make(chan error, 1)
	go func() { published <- b.Publish(ctx, h.Len(), float64(h.Len())/seconds, h.NewMessage) }()
	if err := b.absent(ctx, api, worker); err != nil {
		return err
	}
	back := time.Now()
	behind := float64(2*h.Len()) / seconds
	if _, err := b.watch(ctx, "the API is back", 2*time.Minute, func(lag uint64) bool { return float64(lag) < behind }, effects...); err != nil {
		return err
	}
	caught := time.Since(back)
	if err := <-published; err != nil {
		return err
	}
	took, err := b.watch(ctx, "no event arrives", 2*time.Minute, drained, effects...)
	if err != nil {
		return err
	}
	fmt.Printf("  %d messages in %d s, 60 of them without the Track API, longest lag %d\n", h.Len(), seconds, b.longestLag)
	fmt.Printf("  %.1f s from its return until the lag was under two seconds' messages, %.1f s from the last message to zero\n", caught.Seconds(), took.Seconds())
	used, err := b.attempts(ctx)
	if used > unnoticed {
		err = fmt.Errorf("%d attempts were used up, at most %d should be", used, unnoticed)
	}
	return errors.Join(err, h.Check(api.Fake), b.noDeadLetters(ctx), alive(ctx, worker))
}

// absent lets the API work for a while and go away in three ways. It prints how
// many calls were made that could only fail.
func (b *testbed) absent(ctx context.Context, api *lab.TrackAPI, worker *lab.Process) error {
	var before int
	for _, way := range []struct {
		what  string
		begin func() error
		lasts time.Duration
	}{
		{"calls work", func() error { return nil }, 5 * time.Second},
		{"connections are refused", func() error { api.Refuse(); return nil }, 20 * time.Second},
		{"calls are answered 503", func() error {
			api.Fail(&customeriotest.Fault{Status: http.StatusServiceUnavailable})
			return api.Listen()
		}, 20 * time.Second},
		{"calls are not answered", func() error {
			api.Fail(&customeriotest.Fault{Hang: true})
			return nil
		}, 20 * time.Second},
	} {
		asked := api.Counts().Requests
		if err := way.begin(); err != nil {
			return err
		}
		if _, err := b.watch(ctx, way.what, way.lasts+time.Minute, until(time.Now().Add(way.lasts)), effects...); err != nil {
			return err
		}
		calls, err := trackCalls(ctx, worker)
		if err != nil {
			return err
		}
		fmt.Printf("  %.0f s in which %s: %d calls by the worker's count, %d requests at the API, probes included\n",
			way.lasts.Seconds(), way.what, calls-before, api.Counts().Requests-asked)
		before = calls
	}
	api.Fail(nil)
	return nil
}

// unnoticed is how many calls can fail before the twelfth in a row says that this
// is an outage. Each may send its event back once.
const unnoticed = 11

// attempts prints and returns how many attempts there were beyond the first.
func (b *testbed) attempts(ctx context.Context) (sum int, err error) {
	for _, name := range effects {
		n, err := b.redeliveries(ctx, name)
		if err != nil {
			return 0, err
		}
		sum += n
		fmt.Printf("  attempts of %s beyond the first: %d\n", name, n)
	}
	return sum, nil
}

// trackCalls returns how many calls of the Track API a worker has counted.
func trackCalls(ctx context.Context, worker *lab.Process) (int, error) {
	m, err := worker.Scrape(ctx)
	return int(m["cioevents_track_calls_total"]), err
}
