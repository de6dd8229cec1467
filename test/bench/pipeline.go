package main

import (
	"cmp"
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// preload is how many events the worker finds in the stream: some seconds' work.
const preload = 1_000_000

// fillStream publishes n events asynchronously. The rate is also the baseline of
// what JetStream stores when nobody waits for a single answer.
func fillStream(ctx context.Context, client *lab.Client, n int) (perSecond float64, err error) {
	messages, err := campaign(n)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = client.Publish(ctx, n, 0, func(i int) *nats.Msg { return messages[i] })
	return float64(n) / time.Since(start).Seconds(), err
}

// campaign makes the first n messages of a simulated campaign, beforehand, so
// that their making is not measured.
func campaign(n int) ([]*nats.Msg, error) {
	now := time.Now()
	messages := make([]*nats.Msg, 0, n)
	for body := range (webhooktest.Campaign{Seed: uint64(now.UnixNano()), Deliveries: n, CampaignID: 1}).Events() {
		e, err := webhook.ParseEnvelope(body)
		if err != nil {
			return nil, err
		}
		messages = append(messages, lab.NewMessage(&event.Message{
			Workspace: config.DefaultWorkspace, ID: e.EventID, ObjectType: string(e.ObjectType), Metric: string(e.Metric), ReceivedAt: now, Body: body,
		}))
		if len(messages) == n {
			break
		}
	}
	return messages, nil
}

// drainRaw fetches and acknowledges n messages without doing anything with them:
// the baseline of what JetStream hands out.
func drainRaw(ctx context.Context, client *lab.Client, n int) (perSecond float64, err error) {
	js := client.JetStream
	c, err := js.CreateConsumer(ctx, stream.Name, jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 20_000})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for got := 0; got < n; {
		batch, err := c.Fetch(500)
		if err != nil {
			return 0, err
		}
		for msg := range batch.Messages() {
			if err := msg.Ack(); err != nil {
				return 0, err
			}
			got++
		}
		if err := cmp.Or(batch.Error(), ctx.Err()); err != nil {
			return 0, err
		}
	}
	perSecond = float64(n) / time.Since(start).Seconds()
	return perSecond, js.DeleteConsumer(ctx, stream.Name, c.CachedInfo().Name)
}

// handledWithin bounds the work on a full stream. A million events take 30 s on two
// cores.
const handledWithin = 30 * time.Minute

// warehouseWorker returns a worker that only writes to a warehouse.
func warehouseWorker(system *lab.System, url string) *lab.Process {
	return system.Worker(lab.Consumers(workerapp.Warehouse), lab.WarehouseEnv(url))
}
