package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/integration/history"
)

// A trackAPI is an imitated Track API that can go away, at an address that stays.
type trackAPI struct {
	fake *customeriotest.Fake
	addr string
	srv  *http.Server
}

func startTrackAPI(cfg customeriotest.Config, people []customeriotest.Profile) (*trackAPI, error) {
	a := &trackAPI{fake: customeriotest.New(cfg), addr: "127.0.0.1:0"}
	a.fake.Seed(people...)
	err := a.listen()
	return a, err
}

// listen ends a time in which connections are refused.
func (a *trackAPI) listen() error {
	ln, err := net.Listen("tcp", a.addr)
	if err != nil {
		return err
	}
	a.addr = ln.Addr().String()
	a.srv = &http.Server{Handler: a.fake, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = a.srv.Serve(ln) }() // until it is closed
	return nil
}

// refuse closes what is open and lets nobody in.
func (a *trackAPI) refuse() { _ = a.srv.Close() }

// fail makes every call meet the fault; nil is none.
func (a *trackAPI) fail(f *customeriotest.Fault) {
	a.fake.SetFault(func(*http.Request) *customeriotest.Fault { return f })
}

func (a *trackAPI) url() string { return "http://" + a.addr }

// proveTrack takes the Track API away for a minute under load: for 20 s connections
// are refused, for 20 s calls are answered 503, for 20 s they are not answered.
func proveTrack(ctx context.Context, l *lab) error {
	const before, phase, after = 5 * time.Second, 20 * time.Second, 10 * time.Second
	const perSecond = 220
	seconds := (before + 3*phase + after).Seconds()
	h := history.New(history.Config{
		Seed: 1, People: 3000, Opens: int(200 * seconds), Others: int(20 * seconds), End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := startTrackAPI(customeriotest.Config{CallLog: 1}, h.People())
	if err != nil {
		return err
	}
	defer api.refuse()
	admin := freeAddr()
	worker, err := l.startEffects(ctx, admin, api.url())
	if err != nil {
		return err
	}
	defer worker.stop()
	published := make(chan error, 1)
	go func() { published <- l.publish(ctx, h.Len(), perSecond, h.Message) }()

	var calls, requests []int // at the ends of the phases
	during := func(what string, d time.Duration) error {
		_, err := l.watch(ctx, what, d+time.Minute, until(time.Now().Add(d)), both...)
		n, countErr := trackCalls(ctx, admin)
		calls, requests = append(calls, n), append(requests, api.fake.Counts().Requests)
		return errors.Join(err, countErr)
	}
	if err := during("the API works", before); err != nil {
		return err
	}
	api.refuse()
	if err := during("connections are refused", phase); err != nil {
		return err
	}
	api.fail(&customeriotest.Fault{Status: http.StatusServiceUnavailable})
	if err := errors.Join(api.listen(), during("calls are answered 503", phase)); err != nil {
		return err
	}
	api.fail(&customeriotest.Fault{Hang: true})
	if err := during("calls are not answered", phase); err != nil {
		return err
	}
	api.fail(nil)
	back := time.Now()
	if _, err := l.watch(ctx, "the API is back", 2*time.Minute, func(lag uint64) bool { return lag < 2*perSecond }, both...); err != nil {
		return err
	}
	caught := time.Since(back)
	if err := <-published; err != nil {
		return err
	}
	drained, err := l.watch(ctx, "no event arrives", 2*time.Minute, nothing, both...)
	if err != nil {
		return err
	}
	fmt.Printf("  %d messages at %d/s, 60 s without the Track API, longest lag %d\n", h.Len(), perSecond, l.longest)
	fmt.Printf("  calls while connections were refused %d, answered 503 %d, not answered %d; requests that came to the API, probes included: %d and %d\n",
		calls[1]-calls[0], calls[2]-calls[1], calls[3]-calls[2], requests[2]-requests[1], requests[3]-requests[2])
	fmt.Printf("  %.1f s from its return until the lag was under two seconds' messages, then %.1f s from the last message to zero\n", caught.Seconds(), drained.Seconds())
	return errors.Join(l.attempts(ctx, unnoticed), h.Check(api.fake), l.dead(ctx), answers(ctx, admin))
}

// unnoticed is how many calls can fail before the twelfth in a row says that this
// is an outage. Each may send its event back once.
const unnoticed = 11

// attempts prints how many attempts were used up, and fails when there are more
// than most.
func (l *lab) attempts(ctx context.Context, most int) error {
	var sum int
	for _, name := range both {
		n, err := l.again(ctx, name)
		if err != nil {
			return err
		}
		sum += n
		fmt.Printf("  attempts of %s beyond the first: %d\n", name, n)
	}
	if sum > most {
		return fmt.Errorf("%d attempts were used up, at most %d should be", sum, most)
	}
	return nil
}

// trackCalls is how many calls a worker has made, by its own account.
func trackCalls(ctx context.Context, admin string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	sum := 0.
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "cioevents_track_calls_total{") {
			_, value, _ := strings.Cut(lines.Text(), "} ")
			n, _ := strconv.ParseFloat(value, 64)
			sum += n
		}
	}
	return int(sum), nil
}
