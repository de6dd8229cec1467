package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A ForeignConsumer describes a durable pull consumer for a program that is not a worker.
type ForeignConsumer struct {
	Name string
	// Subjects are the events, see Select.
	Subjects []string
	// Since is the time of storing of the first message, the zero time for the beginning.
	// NewOnly leaves out the messages that are already stored.
	Since   time.Time
	NewOnly bool
}

// maxForeignPending bounds the messages that a foreign consumer has delivered and that are
// not settled.
const maxForeignPending = 1_000

// ErrConsumerExists reports that a consumer of the name exists with other settings.
var ErrConsumerExists = errors.New("the consumer exists with other settings")

// CreateForeign creates the consumer, or does nothing if it exists with these settings. The
// consumer also receives the messages that are redriven to its name.
func (c *Conn) CreateForeign(ctx context.Context, f ForeignConsumer) (*ConsumerStatus, error) {
	cfg := jetstream.ConsumerConfig{
		Durable:        f.Name,
		Description:    "consumer of another program, created by cioctl",
		FilterSubjects: append(slices.Clip(f.Subjects), redrivePrefix+f.Name+".>"),
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        AckWait,
		MaxAckPending:  maxForeignPending,
		MaxDeliver:     -1, // after MaxDeliver deliveries JetStream would drop a message silently
	}
	startAt(&cfg, f.Since)
	if f.NewOnly {
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	cons, err := c.js.CreateConsumer(ctx, Name, cfg)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return nil, fmt.Errorf("create consumer %s: %w", f.Name, ErrConsumerExists)
	}
	if err != nil {
		return nil, fmt.Errorf("create consumer %s: %w", f.Name, err)
	}
	return statusOf(cons.CachedInfo()), nil
}

// DeleteConsumer deletes a consumer with its position.
func (c *Conn) DeleteConsumer(ctx context.Context, name string) error {
	if err := c.js.DeleteConsumer(ctx, Name, name); err != nil {
		return fmt.Errorf("delete consumer %s: %w", name, err)
	}
	return nil
}
