package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/test/lab"
)

// replicatedWithin bounds the time in which a server catches up.
const replicatedWithin = time.Minute

// replicated waits until each stream and each consumer has a current replica on every
// member of the cluster.
func (d *deployment) replicated(ctx context.Context) error {
	return lab.WaitFor(ctx, "all replicas are current", replicatedWithin, func() error {
		limited, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		streams := d.client.JetStream.ListStreams(limited)
		for info := range streams.Info() {
			if err := d.complete(info.Cluster); err != nil {
				return fmt.Errorf("stream %s: %w", info.Config.Name, err)
			}
			if err := d.completeConsumers(limited, info.Config.Name); err != nil {
				return err
			}
		}
		return streams.Err()
	})
}

func (d *deployment) completeConsumers(ctx context.Context, name string) error {
	st, err := d.client.JetStream.Stream(ctx, name)
	if err != nil {
		return err
	}
	consumers := st.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable == "" {
			continue // somebody reads the stream
		}
		if err := d.complete(info.Cluster); err != nil {
			return fmt.Errorf("consumer %s: %w", info.Name, err)
		}
	}
	return consumers.Err()
}

// complete returns nil when every member has a current replica.
func (d *deployment) complete(c *jetstream.ClusterInfo) error {
	if c == nil || c.Leader == "" {
		return errors.New("there is no leader")
	}
	current := []string{c.Leader}
	for _, p := range c.Replicas {
		if p.Current && !p.Offline {
			current = append(current, p.Name)
		}
	}
	for _, i := range d.cluster.members() {
		if name := d.cluster.server(i).Name; !slices.Contains(current, name) {
			return fmt.Errorf("%s has no current replica", name)
		}
	}
	return nil
}
