package customerio

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	track "github.com/customerio/go-customerio/v3"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
)

// The defaults of Config.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultRate        = 100
	DefaultConcurrency = 8
)

// Customer.io's regions.
const (
	regionUS = "us"
	regionEU = "eu"
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

// Declare adds the settings of the Track API to the set. They hold for every
// workspace; For reads the exceptions of one.
func (cfg *Config) Declare(s *config.Set) {
	s.String(&cfg.Region, "CUSTOMERIO_REGION", regionUS, "region of the Customer.io account, us or eu; CUSTOMERIO_<WORKSPACE>_REGION is for one workspace")
	s.String(&cfg.URL, "CUSTOMERIO_TRACK_URL", "", "address of the Track API, for tests and proxies")
	s.Float(&cfg.Rate, "TRACK_RATE", DefaultRate, "most Track API calls a second, of this process to each workspace; fewer while the API refuses some. CUSTOMERIO_<WORKSPACE>_TRACK_RATE is for one workspace")
	s.Int(&cfg.Concurrency, "TRACK_CONCURRENCY", DefaultConcurrency, "Track API calls at a time")
	s.Check(func() error {
		return errors.Join(
			checkRegion("CUSTOMERIO_REGION", cfg.Region),
			config.Positive("TRACK_RATE", cfg.Rate),
			config.Positive("TRACK_CONCURRENCY", cfg.Concurrency))
	})
}

// For returns a copy of cfg for one workspace: with its name, its credentials,
// and the region and the rate that its own variables give. The error names every
// variable that is wrong.
func (cfg *Config) For(w config.Workspace, all *config.Workspaces) (Config, error) {
	own := *cfg
	own.Workspace, own.SiteID, own.APIKey = w.Name, w.SiteID, w.APIKey
	if w.Name == config.DefaultWorkspace {
		return own, nil // its variables are the settings themselves
	}
	var wrongRegion, wrongRate error
	if name, region := all.Value(w.Name, "REGION"); region != "" {
		own.Region, wrongRegion = region, checkRegion(name, region)
	}
	if name, rate := all.Value(w.Name, "TRACK_RATE"); rate != "" {
		own.Rate, wrongRate = parseRate(name, rate)
	}
	return own, errors.Join(wrongRegion, wrongRate)
}

func parseRate(name, text string) (float64, error) {
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || rate <= 0 {
		return 0, config.Invalid(name, text, "a number above 0")
	}
	return rate, nil
}

func checkRegion(name, region string) error { return config.OneOf(name, region, regionUS, regionEU) }

func (cfg *Config) validate() error {
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

// baseURL returns the address of the API without a final slash, and the region
// to which the address belongs, "" for a URL of the caller's own. The error does
// not quote the URL, which may hold a password.
func baseURL(cfg *Config) (base, region string, err error) {
	if cfg.URL != "" {
		u, err := url.Parse(cfg.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return "", "", errors.New("invalid CUSTOMERIO_TRACK_URL: want an http or https address")
		}
		return strings.TrimRight(cfg.URL, "/"), "", nil
	}
	switch cfg.Region {
	case "", regionUS:
		return track.RegionUS.TrackURL, regionUS, nil
	case regionEU:
		return track.RegionEU.TrackURL, regionEU, nil
	default:
		return "", "", fmt.Errorf("invalid region %q: want us or eu", cfg.Region)
	}
}
