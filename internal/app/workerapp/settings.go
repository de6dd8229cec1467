package workerapp

import (
	"errors"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/alerts"
	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

// Names of the consumers, without the workspace that may follow.
const (
	Suppression = "suppression"
	Engagement  = "engagement"
	Warehouse   = place.FirstConsumer
)

// Config is the settings of the worker.
type Config struct {
	app.Config
	Consumers  []string
	Warehouses []string
	Workspaces config.Workspaces
	Track      customerio.Config
	// App is the App API, for the names of messages of workspaces with a key.
	App         customerio.AppConfig
	Effects     Effects
	Alerts      alerts.Config
	MaxAttempts int
	// EngagementBatch is the largest number of opens and clicks in a batch. A batch
	// makes one update a person.
	EngagementBatch int
	// BatchRows is the largest number of rows in a batch of the warehouse.
	BatchRows int
	// MaxAckPending is the largest number of messages of a consumer that are delivered
	// to the workers and not settled.
	MaxAckPending int
	// Privacy says what the warehouses may know about persons.
	Privacy guard.Settings
	// Now is the clock for the ages of messages. Default time.Now.
	Now func() time.Time
	// BeatEvery is the time between two heartbeats, and between two looks at the stream.
	// Default 15 s.
	BeatEvery time.Duration
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	c.Workspaces.Declare(s, config.WantTrack, config.WantApp)
	c.App.Declare(s)
	s.Check(func() error {
		if c.NeedsTrack() && !c.Effects.DryRun {
			return c.Workspaces.RequireTrack()
		}
		return nil
	})
	c.Warehouses = []string{place.DefaultURL}
	c.DeclareWorker(s)
	c.Config.Declare(s)
}

// DeclareWorker adds the settings that only the worker has. Warehouses is the
// default of its setting.
func (c *Config) DeclareWorker(s *config.Set) {
	c.Consumers = []string{Suppression, Engagement, Warehouse}
	s.Var((*config.List)(&c.Consumers), "WORKER_CONSUMERS", "consumers that this process runs: suppression, engagement, warehouse (comma-separated)")
	s.Var((*config.List)(&c.Warehouses), place.Setting, "warehouse that receives a row for each event: duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET. Several warehouses, comma-separated, are written independently of each other")
	c.Privacy.Declare(s)
	c.Track.Declare(s)
	s.Count(&c.EngagementBatch, "ENGAGEMENT_BATCH", defaultEngagementBatch, "largest number of opens and clicks in a batch; a batch makes one update a person")
	c.Effects.Declare(s)
	s.Count(&c.MaxAttempts, "MAX_ATTEMPTS", worker.DefaultMaxAttempts, "attempts to handle a message before the message becomes a dead letter; attempts during an outage do not count")
	s.Count(&c.BatchRows, "WAREHOUSE_BATCH_ROWS", defaultBatchRows, "largest number of rows in a batch of the warehouse")
	s.Count(&c.MaxAckPending, "MAX_ACK_PENDING", stream.DefaultMaxAckPending, "largest number of messages of a consumer that are delivered to workers and not settled; at least workers × the largest batch, else batches stay small and each waits. Lower it only if your NATS account or server allows less (max_ack_pending)")
	c.Alerts.Declare(s)
	s.Check(c.checkConsumers)
	s.Check(c.checkWorkspaces)
}

// NeedsTrack reports whether a consumer calls the Track API.
func (c *Config) NeedsTrack() bool {
	return slices.Contains(c.Consumers, Suppression) || slices.Contains(c.Consumers, Engagement)
}

func (c *Config) checkConsumers() error {
	if len(c.Consumers) == 0 {
		return errors.New("WORKER_CONSUMERS: is empty")
	}
	var mistakes []error
	for _, name := range c.Consumers {
		mistakes = append(mistakes, config.OneOf("WORKER_CONSUMERS", name, Suppression, Engagement, Warehouse))
	}
	if slices.Contains(c.Consumers, Warehouse) {
		_, err := place.ParseList(c.Warehouses)
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// checkWorkspaces checks the variables of single workspaces.
func (c *Config) checkWorkspaces() error {
	if !c.NeedsTrack() {
		return nil
	}
	mistakes := []error{c.Effects.read(&c.Workspaces)}
	for _, w := range c.Workspaces.All() {
		_, err := c.Track.For(w, &c.Workspaces)
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}
