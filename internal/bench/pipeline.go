package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
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

// benchWorker measures the way from the stream into DuckDB.
func benchWorker(ctx context.Context, dir string) error {
	path, err := build(ctx, dir, "worker")
	if err != nil {
		return err
	}
	server, err := startSelf(ctx, "nats", filepath.Join(dir, "nats-worker"))
	if err != nil {
		return err
	}
	defer server.stop()
	conn, err := stream.Connect(stream.Config{URL: server.addr, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Ensure(ctx, stream.Settings{}); err != nil {
		return err
	}
	async, err := fillStream(ctx, server.addr, preload)
	if err != nil {
		return err
	}
	fmt.Printf("raw JetStream, asynchronous  %8.0f events/s\n", async)
	db := filepath.Join(dir, "bench.duckdb")
	before := float64(server.cpu().Microseconds()) / preload
	start := time.Now()
	worker, err := startProgram(ctx, path, "NATS_URL="+server.addr, "ADMIN_ADDR=127.0.0.1:0", "WORKER_CONSUMERS=warehouse",
		"WAREHOUSE_URL=duckdb:"+db, "LOG_LEVEL=warn")
	if err != nil {
		return err
	}
	defer worker.stop()
	if err := waitDrained(ctx, conn); err != nil {
		return err
	}
	took := time.Since(start)
	rss := worker.peakRSS()
	perEvent := func(c *child) float64 { return float64(c.cpu().Microseconds()) / preload }
	workerCPU, serverCPU := perEvent(worker), perEvent(server)-before
	worker.stop()
	t, err := duckdb.Query(ctx, db, "SELECT count(*) FROM customerio_events")
	if err != nil {
		return err
	}
	fmt.Printf("worker, stream to DuckDB     %8.0f events/s  (%v rows, start included), RSS %.0f MiB, per event %.1f µs of the worker and %.1f µs of NATS\n",
		preload/took.Seconds(), t.Rows[0][0], rss, workerCPU, serverCPU)
	return nil
}

func waitDrained(ctx context.Context, conn *stream.Conn) error {
	for ctx.Err() == nil {
		s, err := conn.Status(ctx)
		if err == nil && len(s.Consumers) == 1 && s.Consumers[0].Lag == 0 {
			return nil
		}
		if err != nil && !strings.Contains(err.Error(), "timeout") {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
