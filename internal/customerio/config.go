package customerio

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
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
	// Region is the region of the account, "us" or "eu". Default "us".
	Region string
	// URL is the address of the API. Default the address of the region.
	URL string
	// Timeout bounds a call from sending to the end of the answer, without the wait
	// for the rate. Default 10 s.
	Timeout time.Duration
	// Rate is the largest number of calls a second. Default 100. While the API
	// refuses calls for their number, the client makes fewer. Customer.io documents
	// a limit of 1,000 for all programs of a workspace together, and has said 100
	// elsewhere.
	Rate float64
	// Concurrency is the largest number of calls at a time. Default 8: a rate of 100
	// needs 8 at the usual 80 ms a call.
	Concurrency int
	// Transport makes the calls. Default a transport with bounded dials, the
	// environment's proxy and connections for Concurrency.
	Transport http.RoundTripper
	// Metrics counts the calls. Clients may share Metrics. Default none.
	Metrics *Metrics
	// Workspace is the name of the workspace in logs and metrics.
	Workspace string
	// Log gets a line when the API stops working, once a minute during the outage,
	// and when the API works again.
	Log zerolog.Logger
}

// Declare adds the settings of the Track API to the set. The settings apply to every
// workspace; For reads the exceptions of a workspace.
func (cfg *Config) Declare(s *config.Set) {
	DeclareRegion(s, &cfg.Region)
	s.String(&cfg.URL, "CUSTOMERIO_TRACK_URL", "", "address of the Track API, for tests and proxies; by default the address of the region")
	s.Var(config.Above0(&cfg.Rate, DefaultRate), "TRACK_RATE", "largest number of Track API calls a second, for each process and workspace; the worker slows down while the API refuses calls. CUSTOMERIO_<WORKSPACE>_TRACK_RATE sets the rate of one workspace")
	s.Count(&cfg.Concurrency, "TRACK_CONCURRENCY", DefaultConcurrency, "largest number of Track API calls at a time")
	s.Check(cfg.checkURL)
}

// DeclareRegion adds the region of the account to the set, for both APIs.
func DeclareRegion(s *config.Set, region *string) {
	s.Choice(region, "CUSTOMERIO_REGION", regionUS, "region of the Customer.io account: us or eu. CUSTOMERIO_<WORKSPACE>_REGION sets the region of one workspace", regionUS, regionEU)
}

// For returns a copy of cfg with the name, the credentials, the region and the rate
// of a workspace. The error names every wrong variable.
func (cfg *Config) For(w config.Workspace, all *config.Workspaces) (Config, error) {
	own := *cfg
	own.Workspace, own.SiteID, own.APIKey = w.Name, w.SiteID, w.APIKey
	if w.Name == config.DefaultWorkspace {
		return own, nil // the settings are the variables of the default workspace
	}
	var wrongRate, noRegion error
	own.Region, noRegion = regionOf(cfg.Region, w, all)
	if name, rate := all.Value(w.Name, "TRACK_RATE"); rate != "" {
		own.Rate, wrongRate = parseRate(name, rate)
	}
	return own, errors.Join(noRegion, wrongRate)
}

// regionOf returns the region of a workspace, standard unless the workspace has its own.
func regionOf(standard string, w config.Workspace, all *config.Workspaces) (string, error) {
	if w.Name == config.DefaultWorkspace {
		return standard, nil // the settings are the variables of the default workspace
	}
	name, region := all.Value(w.Name, "REGION")
	if region == "" {
		return standard, nil
	}
	return region, config.OneOf(name, region, regionUS, regionEU)
}

func wrongRegion(region string) error {
	return fmt.Errorf("invalid region %q: want us or eu", region)
}

func parseRate(name, text string) (rate float64, err error) {
	if config.Above0(&rate, 0).Set(text) != nil {
		return 0, config.Invalid(name, text, "a number above 0")
	}
	return rate, nil
}

// checkURL returns an error unless URL is "" or an address.
func (cfg *Config) checkURL() error {
	const example = "http://localhost:8081"
	return config.WebAddress("CUSTOMERIO_TRACK_URL", cmp.Or(cfg.URL, example), example)
}

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

// baseURL returns the address of the API without a final slash, and the region of
// the address, "" for cfg.URL. The error does not quote the URL, which may contain a
// password.
func baseURL(cfg *Config) (base, region string, err error) {
	if cfg.URL != "" {
		if err := cfg.checkURL(); err != nil {
			return "", "", err
		}
		return strings.TrimRight(cfg.URL, "/"), "", nil
	}
	switch cfg.Region {
	case "", regionUS:
		return track.RegionUS.TrackURL, regionUS, nil
	case regionEU:
		return track.RegionEU.TrackURL, regionEU, nil
	default:
		return "", "", wrongRegion(cfg.Region)
	}
}
