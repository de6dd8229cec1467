package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/test/lab"
)

const (
	streamPublishers = 256 // as many as calls of ingest at once
	streamRounds     = 5
	streamDuration   = 4 * time.Second
)

const streamsUsage = `streams measures the messages a second that one stream accepts, beside two streams with half
of the subjects each, on one NATS server and on three.

Usage:
  go run ./test/bench streams
`

func prepareStreams(*flag.FlagSet) func([]string) (measure, error) {
	return func(args []string) (measure, error) { return benchStreams, noArguments(args) }
}

// benchStreams measures the wall behind ingest: what one stream takes, and what two
// streams with half of the subjects each take. Publishers wait for each answer.
func benchStreams(ctx context.Context, dir string, observe during) error {
	messages, err := campaign(20_000)
	if err != nil {
		return err
	}
	fmt.Printf("\nmessages/s of %d publishers that wait for each answer, median of %d alternating runs\n", streamPublishers, streamRounds)
	var flaws error
	for _, servers := range []int{1, 3} {
		name := fmt.Sprint("streams-", servers)
		err := observe.noted(ctx, fmt.Sprint("servers: ", servers), condition.flaw, func(ctx context.Context) error {
			return compareStreams(ctx, filepath.Join(dir, name), servers, messages)
		})
		if err != nil && !onlyNotJudged(err) {
			return fmt.Errorf("measure %d servers: %w", servers, err)
		}
		flaws = errors.Join(flaws, err)
	}
	return flaws
}

// compareStreams alternates between one stream and two on as many servers. Three servers
// replicate each message and sync it to disk before the answer.
func compareStreams(ctx context.Context, dir string, servers int, messages []*nats.Msg) error {
	js, stop, err := startServers(dir, servers)
	defer stop()
	if err != nil {
		return err
	}
	perSecond := map[int][]float64{}
	for range streamRounds {
		for _, streams := range []int{1, 2} {
			progressf("%d servers, %d streams", servers, streams)
			n, err := publishTo(ctx, js, messages, servers, streams)
			if err != nil {
				return err
			}
			perSecond[streams] = append(perSecond[streams], n)
		}
	}
	progressf("")
	one, two := median(perSecond[1]), median(perSecond[2])
	fmt.Printf("  %d servers: one stream %7.0f, two streams %7.0f, %.2f times\n", servers, one, two, two/one)
	return nil
}

// startServers starts NATS servers and connects to the first.
func startServers(dir string, n int) (js jetstream.JetStream, stop func(), err error) {
	configs := make([]lab.NATSConfig, n)
	var routes []string
	for i := range configs {
		configs[i] = lab.NATSConfig{Name: fmt.Sprint("n", i), Dir: filepath.Join(dir, strconv.Itoa(i)), Port: lab.FreePort()}
		if n > 1 {
			configs[i].ClusterPort = lab.FreePort()
			routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", configs[i].ClusterPort))
		}
	}
	var started []*lab.Process
	stop = func() {
		for _, p := range started {
			p.Stop()
		}
	}
	for _, cfg := range configs {
		cfg.Routes = strings.Join(routes, ",")
		p, err := lab.NewNATS(cfg)
		if err == nil {
			err = p.Start()
		}
		if err != nil {
			return nil, stop, err
		}
		started = append(started, p)
	}
	nc, err := nats.Connect(started[0].Addr, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return nil, stop, err
	}
	js, err = jetstream.New(nc)
	servers := stop
	return js, func() { nc.Close(); servers() }, err
}

// publishTo returns the messages a second that new streams take together.
func publishTo(ctx context.Context, js jetstream.JetStream, messages []*nats.Msg, replicas, streams int) (perSecond float64, err error) {
	defer func() {
		for i := range streams {
			err = errors.Join(err, js.DeleteStream(context.WithoutCancel(ctx), partName(i)))
		}
	}()
	for i := range streams {
		cfg := jetstream.StreamConfig{
			Name: partName(i), Subjects: []string{fmt.Sprintf("part.%d.>", i)}, Replicas: replicas,
			Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, Duplicates: time.Hour,
		}
		err := lab.WaitFor(ctx, "the stream exists", time.Minute, func() error {
			_, err := js.CreateOrUpdateStream(ctx, cfg)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	var sent atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for p := range streamPublishers {
		group.Go(func() error {
			for time.Since(begin) < streamDuration {
				n := sent.Add(1)
				source := messages[int(n)%len(messages)]
				msg := &nats.Msg{Subject: fmt.Sprintf("part.%d.%s", p%streams, source.Subject), Header: nats.Header{nats.MsgIdHdr: {strconv.FormatInt(n, 10)}}, Data: source.Data}
				if _, err := js.PublishMsg(ctx, msg); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return float64(sent.Load()) / time.Since(begin).Seconds(), err
}

func partName(i int) string { return fmt.Sprint("PART", i) }
