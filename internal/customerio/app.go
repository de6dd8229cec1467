package customerio

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// An App makes calls of the App API for one workspace: the set-up of reporting webhooks,
// and the names of campaigns. An App is safe for concurrent use.
//
// An App repeats a call that met an outage or the limit of calls, for about 20 s or
// until the context ends. A repeated call takes a turn of AppConfig.Rate like any other.
type App struct {
	key     string
	url     string
	timeout time.Duration
	turns   *turns
	http    *http.Client
}

// NewApp returns an App. The error names every wrong field.
func NewApp(cfg AppConfig) (*App, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultAppTimeout)
	cfg.Rate = cmp.Or(cfg.Rate, DefaultAppRate)
	base, err := cfg.base()
	if err := errors.Join(err, cfg.validate()); err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.Rate)
	}
	if cfg.turns == nil {
		cfg.turns = &turns{}
	}
	return &App{
		key: cfg.Key, url: base, timeout: cfg.Timeout, turns: cfg.turns.of(cfg.Rate),
		http: &http.Client{Transport: &transport{api: appAPI, next: cfg.Transport}},
	}, nil
}

// maxAppTries is the number of attempts at a call. The waits between 8 attempts take 14
// to 23 s, without waits that the API asks for.
const maxAppTries = 8

// call makes a call until the API answers, and decodes the answer into out. body and out
// may be nil.
func (a *App) call(ctx context.Context, method, path string, query url.Values, body, out any) error {
	for tries := 1; ; tries++ {
		err := a.once(ctx, method, path, query, body, out)
		if err == nil || errors.Is(err, errPaused) {
			return err
		}
		result, err := judge(err, "")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if tries == maxAppTries || !repeatable(method, result) || !a.pause(ctx, result, waitOf(err), tries) {
			return err
		}
	}
}

// repeatable reports whether another attempt may succeed and does no harm. An
// unanswered creation may have created its object.
func repeatable(method string, o outcome) bool {
	return o == outcomeRateLimited || o.unanswered() && method != http.MethodPost
}

// pause waits before the next attempt: for the wait that the API named, or else like
// customerio-node (lib/request.ts). A 429 pauses all calls of the process. pause returns
// false without waiting if the context ends earlier than the wait, so that the caller
// learns the cause.
func (a *App) pause(ctx context.Context, o outcome, named time.Duration, tries int) bool {
	wait := named
	if wait == 0 {
		base := 100 * time.Millisecond << tries
		wait = min(5*time.Second, base+rand.N(base))
	}
	if o == outcomeRateLimited {
		wait = max(wait, refusedPause)
		a.turns.pause(wait)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
		return false
	}
	return sleep(ctx, wait) == nil
}

// once makes one attempt at a call.
func (a *App) once(ctx context.Context, method, path string, query url.Values, body, out any) error {
	release, err := a.turns.take(ctx)
	if err != nil {
		return fmt.Errorf("wait for a turn: %w", err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req, err := a.request(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func (a *App) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	address := a.url + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	if path != addressesPath {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}
