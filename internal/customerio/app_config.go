package customerio

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	track "github.com/customerio/go-customerio/v3"

	"github.com/cioevents/cioevents/internal/config"
)

// The defaults of AppConfig.
const (
	DefaultAppTimeout = 30 * time.Second
	DefaultAppRate    = 5
)

// maxAppRate is the number of calls a second that Customer.io allows to all programs of
// an account together. Source: the answers 429 in Customer.io's journeys-app.json.
const maxAppRate = 10

// An AppConfig configures an App.
type AppConfig struct {
	// Key is the App API key of the workspace. Required.
	Key string
	// Region is the region of the account, "us" or "eu". Default "us".
	Region string
	// URL is the address of the API. Default the address of the region.
	URL string
	// Timeout bounds an attempt at a call from sending to the end of the answer.
	// Default 30 s: a page of 1,000 deliveries is slow.
	Timeout time.Duration
	// Rate is the largest number of calls in any second, 10 at most. Default 5: two
	// processes together stay within the 10 that Customer.io allows.
	Rate int
	// Transport makes the calls. Default a transport with bounded dials, the
	// environment's proxy and connections for Rate.
	Transport http.RoundTripper

	turns *turns // what the Apps of the process share; nil for turns of its own
}

// Declare adds the settings of the App API to the set, except the region: see
// DeclareRegion. The Apps of all copies of cfg share the rate.
func (cfg *AppConfig) Declare(s *config.Set) {
	cfg.turns = &turns{}
	s.String(&cfg.URL, "CUSTOMERIO_APP_URL", "", "address of the App API, for tests and proxies; by default the address of the region")
	s.Var(config.Between(&cfg.Rate, DefaultAppRate, 1, maxAppRate), "APP_API_RATE", "largest number of App API calls in any second, for each process; Customer.io allows 10 to all programs together")
	s.Check(cfg.checkURL)
}

// For returns a copy of cfg with the key and the region of a workspace. The Apps of all
// copies share the rate. The error names every wrong variable.
func (cfg *AppConfig) For(w config.Workspace, all *config.Workspaces) (AppConfig, error) {
	if cfg.turns == nil {
		cfg.turns = &turns{}
	}
	own := *cfg
	own.Key = w.AppKey
	var err error
	own.Region, err = regionOf(cfg.Region, w, all)
	return own, err
}

// checkURL returns an error unless URL is "" or an address.
func (cfg *AppConfig) checkURL() error {
	const example = "http://localhost:8081"
	return config.WebAddress("CUSTOMERIO_APP_URL", cmp.Or(cfg.URL, example), example)
}

func (cfg *AppConfig) validate() error {
	var errs []error
	if cfg.Key == "" {
		errs = append(errs, errors.New("key of the App API is missing"))
	}
	if strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("key of the App API has a character that a header cannot carry"))
	}
	if cfg.Rate < 1 || cfg.Rate > maxAppRate {
		errs = append(errs, fmt.Errorf("rate is %d, want 1 to %d", cfg.Rate, maxAppRate))
	}
	if cfg.Timeout < 0 {
		errs = append(errs, errors.New("timeout is negative"))
	}
	return errors.Join(errs...)
}

// Address returns the address of the API that the configuration leads to.
func (cfg *AppConfig) Address() (string, error) { return cfg.base() }

// base returns the address of the API without a final slash.
func (cfg *AppConfig) base() (string, error) {
	if cfg.URL != "" {
		return strings.TrimRight(cfg.URL, "/"), cfg.checkURL()
	}
	switch cfg.Region {
	case "", regionUS:
		return track.RegionUS.ApiURL, nil
	case regionEU:
		return track.RegionEU.ApiURL, nil
	default:
		return "", wrongRegion(cfg.Region)
	}
}
