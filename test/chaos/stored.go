package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// stored compares the stream with the events that were sent. The stream is the durable
// record: a replay needs every message, on whichever server the replay reads.
func (d *deployment) stored(ctx context.Context, r *Report, sent map[string]bool) error {
	r.Wiped = d.wiped
	if err := d.equalReplicas(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, replicatedWithin)
	defer cancel()
	var ids []string
	err := d.client.TailEvents(limited, stream.Selection{}, func(a event.Attempt) bool {
		ids = append(ids, a.ID)
		return true
	})
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	r.Stream = count(ids, sent, nil)
	return nil
}

// equalWithin bounds the time until all servers answer.
const equalWithin = 10 * time.Second

// equalReplicas waits until all replicas are current and no server has lost messages that
// the others have: nats-server calls a replica current that has lost messages.
func (d *deployment) equalReplicas(ctx context.Context) error {
	if err := d.replicated(ctx); err != nil {
		return err
	}
	nc, err := nats.Connect(d.cluster.url(system))
	if err != nil {
		return err
	}
	defer nc.Close()
	return lab.WaitFor(ctx, "each server has the same messages", equalWithin, func() error {
		counts, err := missing(nc)
		if err != nil {
			return err
		}
		if values := slices.Collect(maps.Values(counts)); slices.Min(values) != slices.Max(values) {
			return fmt.Errorf("messages are missing: %v", counts)
		}
		return nil
	})
}

// missing asks each server how many messages up to its last one are not in its copy of
// the stream. A message that was deleted is missing on every server.
func missing(nc *nats.Conn) (map[string]uint64, error) {
	ask, err := json.Marshal(server.JSzOptions{Account: account, Accounts: true, Streams: true})
	if err != nil {
		return nil, err
	}
	inbox := nats.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	if err := nc.PublishRequest(askJetStream, inbox, ask); err != nil {
		return nil, err
	}
	counts := map[string]uint64{}
	for len(counts) < nodes {
		msg, err := sub.NextMsg(askWithin)
		if err != nil {
			return nil, fmt.Errorf("%d servers of %d answer: %w", len(counts), nodes, err)
		}
		var a answer
		if err := json.Unmarshal(msg.Data, &a); err != nil {
			return nil, err
		}
		counts[a.Server.Name] = a.missing()
	}
	return counts, nil
}

func (a *answer) missing() (n uint64) {
	for _, account := range a.Data.AccountDetails {
		for _, s := range account.Streams {
			if s.Name == stream.Name {
				n = s.State.LastSeq - s.State.Msgs
			}
		}
	}
	return n
}
