package customerio

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	track "github.com/customerio/go-customerio/v3"
	"github.com/rs/zerolog"
)

// The defaults of Config.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultRate        = 100
	DefaultConcurrency = 8
)

// A Config configures a Client.
type Config struct {
	// SiteID and APIKey are the workspace's Track API credentials. Required.
	SiteID, APIKey string
	// Region is where the account lives, "us" or "eu"; "us" by default.
	Region string
	// URL is the address of the API; by default that of the region.
	URL string
	// Timeout bounds one call from its sending to the end of the answer; 10 s by
	// default. It does not include the wait for the rate.
	Timeout time.Duration
	// Rate is how many calls a second are made at most; 100 by default. When the
	// API refuses some for their number, fewer are made for a while. Customer.io
	// documents 1,000 for a workspace, all its programs together, and has said
	// 100 elsewhere.
	Rate float64
	// Concurrency is how many calls are made at once; 8 by default. At a usual
	// 80 ms a call, 8 are what a rate of 100 needs.
	Concurrency int
	// Transport makes the calls; by default one with bounded dials, the
	// environment's proxy and connections for Concurrency.
	Transport http.RoundTripper
	// Metrics counts the calls; nil counts nothing. Clients may share it.
	Metrics *Metrics
	// Workspace is the name under which the client is logged and measured.
	Workspace string
	// Log is told when the API stops working, once a minute while it does not,
	// and when it works again.
	Log zerolog.Logger
}

func (cfg Config) validate() error {
	var errs []error
	require := func(ok bool, problem string) {
		if !ok {
			errs = append(errs, errors.New(problem))
		}
	}
	require(cfg.SiteID != "", "site id is missing")
	require(cfg.APIKey != "", "Track API key is missing")
	require(cfg.Timeout > 0, "timeout is negative")
	require(cfg.Rate > 0, "rate is negative")
	require(cfg.Concurrency > 0, "concurrency is negative")
	return errors.Join(errs...)
}

func baseURL(cfg Config) (base, region string, err error) {
	if cfg.URL != "" {
		u, err := url.Parse(cfg.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return "", "", errors.New("url is no http or https address")
		}
		return strings.TrimRight(cfg.URL, "/"), "", nil
	}
	switch cfg.Region {
	case "", "us":
		return track.RegionUS.TrackURL, "us", nil
	case "eu":
		return track.RegionEU.TrackURL, "eu", nil
	default:
		return "", "", fmt.Errorf("region %q is neither us nor eu", cfg.Region)
	}
}
