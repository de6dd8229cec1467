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

// preload is how many events the worker finds in the stream: work for some seconds.
const preload = 1_000_000

// fillStream publishes n events asynchronously. The rate is also a baseline: so many
// messages JetStream stores when the publisher does not wait for each answer.
func fillStream(ctx context.Context, client *lab.Client, n int) (perSecond float64, err error) {
	messages, err := campaign(n)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = client.Publish(ctx, n, 0, func(i int) *nats.Msg { return messages[i] })
	return float64(n) / time.Since(start).Seconds(), err
}

// campaign returns the first n messages of a simulated campaign. The messages are
// made before the measurement begins.
func campaign(n int) ([]*nats.Msg, error) {
	now := time.Now()
	messages := make([]*nats.Msg, 0, n)
	for body := range (webhooktest.Campaign{Seed: uint64(now.UnixNano()), Deliveries: n, CampaignID: 1}).Events() {
		e, err := webhook.ParseEnvelope(body)
		if err != nil {
			return nil, err
		}
		messages = append(messages, stream.NewMessage(&event.Message{
			Workspace: config.DefaultWorkspace, ID: e.EventID, ObjectType: string(e.ObjectType), Metric: string(e.Metric), ReceivedAt: now, Body: body,
		}))
		if len(messages) == n {
			break
		}
	}
	return messages, nil
}

// drainRaw fetches and acknowledges n messages without any other work. The rate is
// the baseline of a consumer.
func drainRaw(ctx context.Context, client *lab.Client, n int) (perSecond float64, err error) {
	return drainWith(ctx, client, n, jetstream.ConsumerConfig{})
}

// drainWith is drainRaw with a consumer that begins elsewhere.
func drainWith(ctx context.Context, client *lab.Client, n int, cfg jetstream.ConsumerConfig) (perSecond float64, err error) {
	js := client.JetStream
	cfg.AckPolicy, cfg.MaxAckPending = jetstream.AckExplicitPolicy, 20_000
	c, err := js.CreateConsumer(ctx, stream.Name, cfg)
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

// handledWithin bounds the work on a full stream. A million events take about 20 s on
// two cores (docs/operations.md).
const handledWithin = 30 * time.Minute

// warehouseWorker returns a worker that serves the warehouse consumer only.
func warehouseWorker(system *lab.System, url string) *lab.Process {
	return system.Worker(lab.Consumers(workerapp.Warehouse), lab.WarehouseEnv(url))
}
