package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// proveTrack stops the Track API for a minute under load: for 20 s the API refuses
// connections, for 20 s the API answers 503, and for 20 s the API does not answer.
func proveTrack(ctx context.Context, b *testbed) error {
	const seconds = 75 // The duration of the load.
	h := lab.NewHistory(lab.HistoryConfig{Seed: 1, People: 3000, Opens: 200 * seconds, Others: 20 * seconds, End: time.Now()})
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
	if err := b.breakTrack(ctx, api, worker); err != nil {
		return err
	}
	back := time.Now()
	behind := float64(2*h.Len()) / seconds
	if _, err := b.watch(ctx, "the API has recovered", 2*time.Minute, func(lag uint64) bool { return float64(lag) < behind }, effects...); err != nil {
		return err
	}
	caught := time.Since(back)
	if err := <-published; err != nil {
		return err
	}
	took, err := b.watch(ctx, "the last message was published", 2*time.Minute, drained, effects...)
	if err != nil {
		return err
	}
	fmt.Printf("  %d messages in %d s, 60 of them without the Track API, longest lag %d\n", h.Len(), seconds, b.longestLag)
	fmt.Printf("  %.1f s from the recovery until the lag was below two seconds of messages, %.1f s from the last message to zero\n", caught.Seconds(), took.Seconds())
	used, err := b.attempts(ctx)
	if used > unnoticed {
		err = fmt.Errorf("there were %d redeliveries, want at most %d", used, unnoticed)
	}
	return errors.Join(err, h.Check(api.Fake), b.NoDeadLetters(ctx), alive(ctx, worker))
}

// breakTrack lets the API work for 5 s and then fail in three ways. breakTrack prints
// how many calls the worker made in vain.
func (b *testbed) breakTrack(ctx context.Context, api *lab.TrackAPI, worker *lab.Process) error {
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
		fmt.Printf("  %.0f s in which %s: %d calls counted by the worker, %d requests counted by the API, probes included\n",
			way.lasts.Seconds(), way.what, calls-before, api.Counts().Requests-asked)
		before = calls
	}
	api.Fail(nil)
	return nil
}

// unnoticed is how many calls can fail before the twelfth failure in a row counts as
// an outage. Each failed call may cause one redelivery.
const unnoticed = 11

// attempts prints and returns how many deliveries were not the first of their message.
func (b *testbed) attempts(ctx context.Context) (sum int, err error) {
	for _, name := range effects {
		n, err := b.redeliveries(ctx, name)
		if err != nil {
			return 0, err
		}
		sum += n
		fmt.Printf("  redeliveries of %s: %d\n", name, n)
	}
	return sum, nil
}

// trackCalls returns how many calls of the Track API a worker has counted.
func trackCalls(ctx context.Context, worker *lab.Process) (int, error) {
	m, err := worker.Scrape(ctx)
	return int(m["cioevents_track_calls_total"]), err
}
