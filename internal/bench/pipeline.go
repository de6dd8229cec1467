package main

import (
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
const preload = 400_000

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
	start, sent := time.Now(), 0
	for body := range (webhooktest.Campaign{Seed: uint64(start.UnixNano()), Deliveries: n, CampaignID: 1}).Events() {
		e, err := webhook.ParseEnvelope(body)
		if err != nil {
			return 0, err
		}
		m := event.Message{Workspace: "default", ObjectType: string(e.ObjectType), Metric: string(e.Metric)}
		msg := &nats.Msg{Subject: stream.Subject(&m), Data: body, Header: nats.Header{
			nats.MsgIdHdr: {"default:" + e.EventID}, "Cio-Received-At": {start.UTC().Format(time.RFC3339Nano)},
		}}
		if _, err := js.PublishMsgAsync(msg); err != nil {
			return 0, err
		}
		sent++
		if sent == n {
			break
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(sent) / time.Since(start).Seconds(), nil
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
