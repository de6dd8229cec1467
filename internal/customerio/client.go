// Package customerio updates profiles through Customer.io's Track API for the worker
// (Client), and sets up webhooks and reads names through the App API (App).
//
// The package uses go-customerio for identify. The library has no suppress, no batches
// and no ids of events, and hides the status and the headers of an answer. The package
// adds all of these.
//
// A Client adapts its rate to the rate that the API accepts (pace.go), and makes no
// calls while calls could only fail (circuit.go).
package customerio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	track "github.com/customerio/go-customerio/v3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
)

const userAgent = "cioevents"

// A Client makes calls for one workspace. A Client is safe for concurrent use. All
// users of a Client share its rate and its concurrency.
type Client struct {
	siteID, apiKey string
	url            string
	region         string // "" when Config.URL replaces the region's URL
	timeout        time.Duration
	metrics        *Metrics

	pace    *pace
	circuit circuit
	http    *http.Client
	track   *track.CustomerIO
}

// New returns a Client. The error names every wrong field.
func New(cfg Config) (*Client, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Rate = cmp.Or(cfg.Rate, DefaultRate)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, DefaultConcurrency)
	base, region, err := baseURL(&cfg)
	if err := errors.Join(err, cfg.validate()); err != nil {
		return nil, err
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.Concurrency)
	}
	httpClient := &http.Client{Transport: &transport{api: trackAPI, next: cfg.Transport}}
	trackClient := track.NewTrackClient(cfg.SiteID, cfg.APIKey, track.WithHTTPClient(httpClient), track.WithUserAgent(userAgent))
	trackClient.URL = base
	c := &Client{
		siteID: cfg.SiteID, apiKey: cfg.APIKey, url: base, region: region,
		timeout: cfg.Timeout, metrics: cfg.Metrics,
		pace:    newPace(cfg.Rate, cfg.Concurrency),
		circuit: circuit{log: cfg.Log.With().Str("workspace", cfg.Workspace).Logger()},
		http:    httpClient, track: trackClient,
	}
	cfg.Metrics.watch(cfg.Workspace, c)
	return c, nil
}

// Apply makes one call and waits for the answer. A nil error means that Customer.io
// has accepted the call, not that the call changed a profile: Customer.io accepts and
// ignores calls about people who do not exist or are suppressed. Apply goes before
// every batch that waits for a turn.
//
// A permanent fault means that Customer.io will never accept the call. An outage (see
// fault.IsOutage) means that the API is down or the configuration is wrong, and says
// nothing about the call. Any other error is transient, and names a wait if Customer.io
// named a wait. No error contains an identifier.
func (c *Client) Apply(ctx context.Context, call effect.Call) error {
	if err := checkSingle(call); err != nil {
		c.metrics.refused(call.Kind)
		return fmt.Errorf("%s person: %w", call.Kind, fault.Permanent(fault.ReasonRejected, err))
	}
	send := func(ctx context.Context) error { return c.send(ctx, call) }
	if err := c.do(ctx, urgent, string(call.Kind), call.Person.Identifier(), send); err != nil {
		return fmt.Errorf("%s person: %w", call.Kind, err)
	}
	return nil
}

// maxTries is the number of attempts at a call that Customer.io answers with 429. The
// pace slows down after each refusal, so two refusals in a row are rare.
const maxTries = 3

func (c *Client) do(ctx context.Context, l lane, name, identifier string, send func(context.Context) error) error {
	for tries := 1; ; tries++ {
		result, err := c.once(ctx, l, name, identifier, send)
		if result != outcomeRateLimited || fault.IsOutage(err) || tries == maxTries {
			return err
		}
	}
}

// once waits for a turn and makes a call, unless the circuit is open.
func (c *Client) once(ctx context.Context, l lane, name, identifier string, send func(context.Context) error) (outcome, error) {
	if err := c.circuit.check(); err != nil {
		return outcomeUnavailable, err
	}
	release, err := c.pace.admit(ctx, l)
	if err != nil {
		return outcomeCancelled, fmt.Errorf("wait for a turn: %w", err)
	}
	defer release()
	probe, err := c.circuit.enter()
	if err != nil { // the circuit has opened meanwhile
		return outcomeUnavailable, err
	}
	start := time.Now()
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	result, err := c.traced(timed, name, identifier, send)
	if result.unanswered() && ctx.Err() != nil {
		// The caller gave up, which says nothing about the API.
		return outcomeCancelled, c.circuit.leave(probe, outcomeCancelled, 0, ctx.Err())
	}
	c.metrics.answered(name, result, time.Since(start))
	pause := waitOf(err)
	if refused := result == outcomeRateLimited; refused || result.unanswered() {
		c.pace.slow(min(pause, longestPause), refused)
	}
	return result, c.circuit.leave(probe, result, pause, err)
}

func (c *Client) send(ctx context.Context, call effect.Call) error {
	if call.Person.Kind == effect.Phone {
		// In a path the API takes a phone number for an id. Source: the parameter
		// identifier of PUT /api/v1/customers/{identifier}.
		body, err := encodeEntity(call)
		if err != nil {
			return err
		}
		return c.post(ctx, "/api/v2/entity", body)
	}
	identifier := call.Person.Identifier()
	switch call.Kind {
	case effect.Suppress:
		return c.post(ctx, customer(identifier)+"/suppress", nil)
	case effect.Track:
		return c.post(ctx, customer(identifier)+"/events", eventBody(call))
	default:
	}
	body := maps.Clone(call.Attributes)
	// _update keeps Customer.io from creating a deleted person again. _timestamp
	// keeps a late event from overwriting newer values.
	body["_update"] = true
	body["_timestamp"] = call.At.Unix()
	return c.track.IdentifyCtx(ctx, identifier, body)
}

func customer(identifier string) string { return "/api/v1/customers/" + url.PathEscape(identifier) }

// post sends body, which may be nil, and discards the answer.
func (c *Client) post(ctx context.Context, path string, body []byte) error {
	return c.exchange(ctx, http.MethodPost, path, body, func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r) // net/http reuses a connection only after its answer has been read
		return err
	})
}

func (c *Client) exchange(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.SetBasicAuth(c.siteID, c.apiKey)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return read(resp.Body)
}
