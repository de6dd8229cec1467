package main

import (
	"cmp"
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// preload is how many events the worker finds in the stream: some seconds' work.
const preload = 1_000_000

// fillStream publishes n events asynchronously, which is also the baseline of
// what JetStream takes when nobody waits for a single answer.
func fillStream(ctx context.Context, url string, n int) (perSecond float64, err error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return 0, err
	}
	messages, err := campaign(n)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for _, msg := range messages {
		if _, err := js.PublishMsgAsync(msg); err != nil {
			return 0, err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(n) / time.Since(start).Seconds(), nil
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
		m := event.Message{Workspace: "default", ObjectType: string(e.ObjectType), Metric: string(e.Metric)}
		messages = append(messages, &nats.Msg{Subject: stream.Subject(&m), Data: body, Header: nats.Header{
			nats.MsgIdHdr: {"default:" + e.EventID}, "Cio-Received-At": {now.UTC().Format(time.RFC3339Nano)},
		}})
		if len(messages) == n {
			break
		}
	}
	return messages, nil
}

// drainRaw fetches and acknowledges n messages without doing anything with them:
// the baseline of what JetStream hands out.
func drainRaw(ctx context.Context, url string, n int) (perSecond float64, err error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
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

// startStream starts a NATS server with its files in dir and makes the streams.
func startStream(ctx context.Context, dir string) (server *child, conn *stream.Conn, err error) {
	if server, err = startSelf(ctx, "nats", dir); err != nil {
		return nil, nil, err
	}
	if conn, err = stream.Connect(stream.Config{URL: server.addr, Log: zerolog.Nop()}); err != nil {
		server.stop()
		return nil, nil, err
	}
	if _, err = conn.Ensure(ctx, stream.Settings{}); err != nil {
		conn.Close()
		server.stop()
		return nil, nil, err
	}
	return server, conn, nil
}

// startWorker runs the worker program for one warehouse.
func startWorker(ctx context.Context, path, natsURL, warehouseURL string) (*child, error) {
	return startProgram(ctx, path, "NATS_URL="+natsURL, "ADMIN_ADDR=127.0.0.1:0", "WORKER_CONSUMERS=warehouse",
		"WAREHOUSE_URL="+warehouseURL, "LOG_LEVEL=warn")
}
