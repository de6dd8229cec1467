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
	"github.com/cioevents/cioevents/test/lab"
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
func (a *trackAPI) refuse() error { return a.srv.Close() }

// fail makes every call meet the fault; nil is none.
func (a *trackAPI) fail(f *customeriotest.Fault) {
	a.fake.SetFault(func(*http.Request) *customeriotest.Fault { return f })
}

func (a *trackAPI) url() string { return "http://" + a.addr }

// proveTrack takes the Track API away for a minute under load: for 20 s connections
// are refused, for 20 s calls are answered 503, for 20 s they are not answered.
func proveTrack(ctx context.Context, l *rig) error {
	const seconds = 75 // of load
	h := lab.NewHistory(lab.HistoryConfig{
		Seed: 1, People: 3000, Opens: 200 * seconds, Others: 20 * seconds, End: time.Now(), Workspace: config.DefaultWorkspace,
	})
	api, err := startTrackAPI(customeriotest.Config{CallLog: 1}, h.People())
	if err != nil {
		return err
	}
	defer func() { _ = api.refuse() }()
	admin := freeAddr()
	worker, err := l.startEffects(ctx, admin, api.url())
	if err != nil {
		return err
	}
	defer worker.stop()
	published := make(chan error, 1)
	go func() { published <- l.publish(ctx, h.Len(), float64(h.Len())/seconds, h.Message) }()
	if err := l.absent(ctx, api, admin); err != nil {
		return err
	}
	back := time.Now()
	behind := float64(2*h.Len()) / seconds
	if _, err := l.watch(ctx, "the API is back", 2*time.Minute, func(lag uint64) bool { return float64(lag) < behind }, both...); err != nil {
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
	fmt.Printf("  %d messages in %d s, 60 of them without the Track API, longest lag %d\n", h.Len(), seconds, l.longest)
	fmt.Printf("  %.1f s from its return until the lag was under two seconds' messages, %.1f s from the last message to zero\n", caught.Seconds(), drained.Seconds())
	used, err := l.attempts(ctx)
	if used > unnoticed {
		err = fmt.Errorf("%d attempts were used up, at most %d should be", used, unnoticed)
	}
	return errors.Join(err, h.Check(api.fake), l.dead(ctx), answers(ctx, admin))
}

// absent lets the API work for a while and go away in three ways. It prints how
// many calls were made that could only fail.
func (l *rig) absent(ctx context.Context, api *trackAPI, admin string) error {
	var before int
	for _, way := range []struct {
		what  string
		begin func() error
		lasts time.Duration
	}{
		{"calls work", func() error { return nil }, 5 * time.Second},
		{"connections are refused", api.refuse, 20 * time.Second},
		{"calls are answered 503", func() error {
			api.fail(&customeriotest.Fault{Status: http.StatusServiceUnavailable})
			return api.listen()
		}, 20 * time.Second},
		{"calls are not answered", func() error {
			api.fail(&customeriotest.Fault{Hang: true})
			return nil
		}, 20 * time.Second},
	} {
		asked := api.fake.Counts().Requests
		if err := way.begin(); err != nil {
			return err
		}
		if _, err := l.watch(ctx, way.what, way.lasts+time.Minute, until(time.Now().Add(way.lasts)), both...); err != nil {
			return err
		}
		calls, err := trackCalls(ctx, admin)
		if err != nil {
			return err
		}
		fmt.Printf("  %.0f s in which %s: %d calls by the worker's count, %d requests at the API, probes included\n",
			way.lasts.Seconds(), way.what, calls-before, api.fake.Counts().Requests-asked)
		before = calls
	}
	api.fail(nil)
	return nil
}

// unnoticed is how many calls can fail before the twelfth in a row says that this
// is an outage. Each may send its event back once.
const unnoticed = 11

// attempts prints and returns how many attempts there were beyond the first.
func (l *rig) attempts(ctx context.Context) (sum int, err error) {
	for _, name := range both {
		n, err := l.again(ctx, name)
		if err != nil {
			return 0, err
		}
		sum += n
		fmt.Printf("  attempts of %s beyond the first: %d\n", name, n)
	}
	return sum, nil
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
