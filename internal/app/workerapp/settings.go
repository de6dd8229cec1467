package workerapp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

// Names of the consumers.
const (
	Suppression = "suppression"
	Engagement  = "engagement"
	Warehouse   = "warehouse"
)

// Config is the settings of the worker.
type Config struct {
	AdminAddr   string
	Consumers   []string
	Warehouses  []string
	Workspaces  config.Workspaces
	Track       Track
	Effects     Effects
	MaxAttempts int
	// BatchRows is the largest number of rows that are written at a time.
	BatchRows int
	NATS      stream.Config
	Stream    stream.Settings
	Traces    config.Traces
}

// Track is the settings of the Track API.
type Track struct {
	Region, URL string
	Rate        float64
	Concurrency int
	// Batch is the largest number of engagement events that are folded into one
	// update a person.
	Batch int

	value func(string) string // of a variable
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.String(&c.AdminAddr, "ADMIN_ADDR", ":9090", "address of /metrics, /healthz and /readyz; not for the internet")
	c.Workspaces.Declare(s, config.WantTrack)
	s.Check(func() error {
		if c.NeedsTrack() && !c.Effects.DryRun {
			return c.Workspaces.RequireTrack()
		}
		return nil
	})
	c.Warehouses = []string{place.DefaultURL}
	c.DeclareWorker(s)
	c.NATS.Declare(s)
	c.Stream.Declare(s)
	c.Traces.Declare(s)
}

// DeclareWorker adds those settings that only the worker has. The default of
// Warehouses is what it is.
func (c *Config) DeclareWorker(s *config.Set) {
	c.Consumers = []string{Suppression, Engagement, Warehouse}
	s.Var((*config.List)(&c.Consumers), "WORKER_CONSUMERS", "what this process works on: suppression, engagement, warehouse")
	s.Var((*config.List)(&c.Warehouses), place.Setting, "where rows go: duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET; several, comma-separated, are written independently")
	s.String(&c.Track.Region, "CUSTOMERIO_REGION", "us", "region of the Customer.io account, us or eu; CUSTOMERIO_<WORKSPACE>_REGION is for one workspace")
	s.String(&c.Track.URL, "CUSTOMERIO_TRACK_URL", "", "address of the Track API, for tests and proxies")
	s.Float(&c.Track.Rate, "TRACK_RATE", customerio.DefaultRate, "most Track API calls a second, of this process to each workspace; fewer while the API refuses some. CUSTOMERIO_<WORKSPACE>_TRACK_RATE is for one workspace")
	s.Int(&c.Track.Concurrency, "TRACK_CONCURRENCY", customerio.DefaultConcurrency, "Track API calls at a time")
	s.Int(&c.Track.Batch, "ENGAGEMENT_BATCH", engagementBatchDefault, "opens and clicks that are folded into one update a person at a time")
	c.Track.value = s.Value
	c.Effects.declare(s)
	s.Int(&c.MaxAttempts, "MAX_ATTEMPTS", worker.DefaultMaxAttempts, "attempts at a message before it becomes a dead letter; outages do not count")
	s.Int(&c.BatchRows, "WAREHOUSE_BATCH_ROWS", batchRowsDefault, "rows written at a time")
	s.Check(c.check)
	s.Check(func() error {
		if c.NeedsTrack() {
			return c.Effects.read(c.Workspaces.All(), s.Value)
		}
		return nil
	})
}

// NeedsTrack reports whether a consumer calls the Track API.
func (c *Config) NeedsTrack() bool {
	return slices.Contains(c.Consumers, Suppression) || slices.Contains(c.Consumers, Engagement)
}

func (c *Config) check() error {
	var mistakes []error
	add := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if len(c.Consumers) == 0 {
		add("WORKER_CONSUMERS: is empty")
	}
	for _, name := range c.Consumers {
		mistakes = append(mistakes, config.OneOf("WORKER_CONSUMERS", name, Suppression, Engagement, Warehouse))
	}
	if slices.Contains(c.Consumers, Warehouse) {
		_, err := place.ParseList(c.Warehouses)
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes, checkRegion("CUSTOMERIO_REGION", c.Track.Region))
	if c.NeedsTrack() {
		for _, w := range c.Workspaces.All() {
			_, err := c.Track.of(w.Name)
			mistakes = append(mistakes, err)
		}
	}
	if _, err := effect.ParseMode(c.Effects.Mode); err != nil {
		add("SUPPRESSION_MODE: %w", err)
	}
	positive := func(name string, value float64) {
		if value <= 0 {
			add("%s: must be above 0", name)
		}
	}
	positive("TRACK_RATE", c.Track.Rate)
	positive("ENGAGEMENT_BATCH", float64(c.Track.Batch))
	positive("TRACK_CONCURRENCY", float64(c.Track.Concurrency))
	positive("MAX_ATTEMPTS", float64(c.MaxAttempts))
	positive("WAREHOUSE_BATCH_ROWS", float64(c.BatchRows))
	return errors.Join(mistakes...)
}
