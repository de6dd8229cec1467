package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// growthMessages is the number of messages of a measurement of the stream.
const growthMessages = 200_000

// growStream measures the stream at each size, in a NATS server of its own.
func growStream(ctx context.Context, dir string, observe during, sizes []int) (flaws error) {
	system, err := lab.StartSystem(ctx, dir, filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer func() { system.Close() }()
	messages, err := campaign(growthMessages)
	if err != nil {
		return err
	}
	fmt.Printf("\nJetStream, messages/s of %d new messages\n", growthMessages)
	fmt.Println("| million messages | disk | published | fetched and acknowledged | memory | restart |")
	fmt.Println("| --- | --- | --- | --- | --- | --- |")
	published := 0
	for _, n := range sizes {
		progressf("publishing %d million messages", n)
		for ; published+growthMessages <= n*million; published += growthMessages {
			if err := publishAgain(ctx, system.Client, messages, published); err != nil {
				return errors.Join(flaws, err)
			}
		}
		progressf("")
		err := observe.noted(ctx, fmt.Sprintf("%d million messages", n), condition.flaw, func(ctx context.Context) error {
			return measureStream(ctx, system, messages, n)
		})
		if err != nil && !onlyNotJudged(err) {
			return errors.Join(flaws, fmt.Errorf("measure %d million messages: %w", n, err))
		}
		flaws = errors.Join(flaws, err)
		published += growthMessages
	}
	return flaws
}

// publishAgain publishes messages under new ids.
func publishAgain(ctx context.Context, client *lab.Client, messages []*nats.Msg, round int) error {
	return client.Publish(ctx, len(messages), 0, func(i int) *nats.Msg {
		messages[i].Header.Set(nats.MsgIdHdr, fmt.Sprintf("growth-%d-%d", round, i))
		return messages[i]
	})
}

func measureStream(ctx context.Context, system *lab.System, messages []*nats.Msg, size int) error {
	st, err := system.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := publishAgain(ctx, system.Client, messages, -size-1); err != nil {
		return err
	}
	published := growthMessages / time.Since(begin).Seconds()
	info, err := st.Info(ctx)
	if err != nil {
		return err
	}
	fetched, err := drainWith(ctx, system.Client, growthMessages, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: info.State.LastSeq - growthMessages + 1,
	})
	if err != nil {
		return err
	}
	rss := system.NATS.RSS()
	begin = time.Now()
	system.NATS.Stop()
	if err := system.NATS.Start(); err != nil {
		return err
	}
	if err := lab.WaitFor(ctx, "the stream is back", 10*time.Minute, func() error {
		now, err := st.Info(ctx)
		if err == nil && now.State.LastSeq < info.State.LastSeq {
			return errors.New("messages are missing")
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Printf("| %d | %.1f GB | %.0f/s | %.0f/s | %.0f MiB | %.1f s |\n", size, float64(info.State.Bytes)/1e9, published, fetched, rss, time.Since(begin).Seconds())
	return nil
}
