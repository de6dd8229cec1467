// Package customerio performs effects through Customer.io's Track API.
//
// It uses go-customerio for identify. The library has no suppress, and it hides
// the status and the headers of an answer; the transport of this package makes
// up for both.
package customerio

import (
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
	"golang.org/x/time/rate"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
)

const userAgent = "cioevents"

// A Client makes calls for one workspace. It is safe for concurrent use; what
// shares a Client shares its limits.
type Client struct {
	siteID, apiKey string
	url            string
	region         string // "" when the URL is not that of a region
	timeout        time.Duration
	metrics        *Metrics

	limiter *rate.Limiter
	slots   chan struct{}
	http    *http.Client
	track   *track.CustomerIO
}

// New returns a Client. The error names every field that is wrong.
func New(cfg Config) (*Client, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Rate = cmp.Or(cfg.Rate, DefaultRate)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, DefaultConcurrency)
	base, region, err := baseURL(cfg)
	if err := errors.Join(err, cfg.validate()); err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.Concurrency)
	}
	httpClient := &http.Client{Transport: &transport{next: cfg.Transport}}
	trackClient := track.NewTrackClient(cfg.SiteID, cfg.APIKey, track.WithHTTPClient(httpClient), track.WithUserAgent(userAgent))
	trackClient.URL = base
	return &Client{
		siteID: cfg.SiteID, apiKey: cfg.APIKey, url: base, region: region,
		timeout: cfg.Timeout, metrics: cfg.Metrics,
		// More than Concurrency calls cannot begin at once, so a burst of that
		// size evens out late timers and costs nothing in steadiness.
		limiter: rate.NewLimiter(rate.Limit(cfg.Rate), cfg.Concurrency),
		slots:   make(chan struct{}, cfg.Concurrency),
		http:    httpClient, track: trackClient,
	}, nil
}

// Apply makes one call and waits for its answer. A nil error means that
// Customer.io has accepted the call, not that it changed anything: calls about
// people who do not exist, or who are suppressed, are accepted and ignored.
//
// A permanent fault is a call that will never be accepted. An error for which
// IsUnauthorized is true is about the configuration and not about this call: an
// operator has to mend it, and until then every call fails. Any other error may
// pass; it names a wait when Customer.io did. No error contains an identifier.
func (c *Client) Apply(ctx context.Context, call effect.Call) error {
	if err := check(call); err != nil {
		c.metrics.refused(call.Kind)
		return fmt.Errorf("%s person: %w", call.Kind, fault.Permanent(fault.ReasonRejected, err))
	}
	release, err := c.admit(ctx)
	if err != nil {
		return fmt.Errorf("%s person: wait for a turn: %w", call.Kind, err)
	}
	defer release()

	start := time.Now()
	outcome, err := judge(c.send(ctx, call), call.Person.Identifier())
	if err != nil && outcome.unanswered() && ctx.Err() != nil {
		// The caller gave up, which says nothing about the API.
		return fmt.Errorf("%s person: %w", call.Kind, ctx.Err())
	}
	c.metrics.answered(call.Kind, outcome, time.Since(start))
	if err != nil {
		return fmt.Errorf("%s person: %w", call.Kind, err)
	}
	return nil
}

// admit waits for a slot and then for the rate. In the other order calls that
// have waited for the rate could pile up behind slow ones and burst out later.
func (c *Client) admit(ctx context.Context) (release func(), err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release = func() { <-c.slots }
	if err := c.limiter.Wait(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (c *Client) send(ctx context.Context, call effect.Call) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if call.Kind == effect.Suppress {
		return c.suppress(ctx, call.Person.Identifier())
	}
	body := maps.Clone(call.Attributes)
	// _update: a person who has been deleted is not created again. _timestamp:
	// an old event that comes late does not overwrite what is newer.
	body["_update"] = true
	body["_timestamp"] = call.At.Unix()
	return c.track.IdentifyCtx(ctx, call.Person.Identifier(), body)
}

func (c *Client) suppress(ctx context.Context, identifier string) error {
	req, err := c.request(ctx, http.MethodPost, "/api/v1/customers/"+url.PathEscape(identifier)+"/suppress")
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // a connection is kept only when its answer has been read
	return err
}

func (c *Client) request(ctx context.Context, method, path string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	req.SetBasicAuth(c.siteID, c.apiKey)
	return req, nil
}
