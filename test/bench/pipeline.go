package main

import (
	"cmp"
	"context"
	"strconv"
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

// fillStream publishes n events asynchronously.
func fillStream(ctx context.Context, client *lab.Client, n int) error {
	messages, err := campaign(n)
	if err != nil {
		return err
	}
	return client.Publish(ctx, n, 0, func(i int) *nats.Msg { return messages[i] })
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

// runOn runs a program with a connection to a server and a number of messages.
func runOn(ctx context.Context, url, n string, program func(context.Context, *lab.Client, int) error) error {
	messages, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	client, err := lab.Connect(ctx, url, stream.Settings{})
	if err != nil {
		return err
	}
	defer client.Close()
	return program(ctx, client, messages)
}

// drainRaw fetches and acknowledges n messages without any other work: the baseline of a
// worker.
func drainRaw(ctx context.Context, client *lab.Client, n int) error {
	_, err := drainWith(ctx, client, n, jetstream.ConsumerConfig{})
	return err
}

// drainWith fetches and acknowledges n messages with a new consumer.
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
