package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// A rig is a stream with its server, and the programs to try on it.
type rig struct {
	dir            string
	ingest, worker string // paths of the programs
	server         *child
	conn           *stream.Conn
	nc             *nats.Conn
	js             jetstream.JetStream
	start          time.Time
	longest        uint64     // lag that was seen
	refused        chan error // has the first error of publish, if there is one
}

func newLab(ctx context.Context, dir string) (l *rig, err error) {
	l = &rig{dir: dir, start: time.Now(), refused: make(chan error, 1)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if l.ingest, err = build(ctx, dir, "ingest"); err != nil {
		return nil, err
	}
	if l.worker, err = build(ctx, dir, "worker"); err != nil {
		return nil, err
	}
	if l.server, l.conn, err = startStream(ctx, filepath.Join(dir, "nats")); err != nil {
		return nil, err
	}
	if l.nc, err = nats.Connect(l.server.addr); err == nil {
		l.js, err = jetstream.New(l.nc, jetstream.WithPublishAsyncMaxPending(4096),
			jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
				select {
				case l.refused <- err:
				default: // one is enough
				}
			}))
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *rig) close() {
	if l.nc != nil {
		l.nc.Close()
	}
	l.conn.Close()
	l.server.stop()
}

// startIngest returns the address that takes webhook calls.
func (l *rig) startIngest(ctx context.Context) (c *child, addr string, err error) {
	addr, admin := freeAddr(), freeAddr()
	c, err = startProgram(ctx, l.ingest, "INGEST_ADDR="+addr, "ADMIN_ADDR="+admin, "NATS_URL="+l.server.addr,
		"CUSTOMERIO_WEBHOOK_SECRET="+key, "LOG_LEVEL=error", "DRAIN_DELAY=0")
	if err != nil {
		return nil, "", err
	}
	return c, addr, waitReady(ctx, admin)
}

// startWarehouse runs a worker of the warehouses, which it does not wait for.
func (l *rig) startWarehouse(ctx context.Context, urls string) (c *child, admin string, err error) {
	admin = freeAddr()
	c, err = startProgram(ctx, l.worker, "NATS_URL="+l.server.addr, "ADMIN_ADDR="+admin, "WORKER_CONSUMERS=warehouse", "LOG_LEVEL=error",
		"WAREHOUSE_URL="+urls)
	return c, admin, err
}

// startEffects runs a worker of the effects, which it does not wait for.
func (l *rig) startEffects(ctx context.Context, admin, apiURL string) (*child, error) {
	return startProgram(ctx, l.worker, "NATS_URL="+l.server.addr, "ADMIN_ADDR="+admin, "WORKER_CONSUMERS=suppression,engagement", "LOG_LEVEL=error",
		"CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_TRACK_API_KEY=key", "CUSTOMERIO_TRACK_URL="+apiURL)
}

// publish stores messages, so many a second, or as fast as it goes for 0.
func (l *rig) publish(ctx context.Context, n int, perSecond float64, message func(int) event.Message) error {
	begin := time.Now()
	for i := range n {
		if perSecond > 0 {
			pause(ctx, time.Until(begin.Add(time.Duration(float64(i)/perSecond*float64(time.Second)))))
		}
		m := message(i)
		msg := &nats.Msg{Subject: stream.Subject(&m), Data: m.Body, Header: nats.Header{
			nats.MsgIdHdr: {m.Workspace + ":" + m.ID}, "Cio-Received-At": {m.ReceivedAt.UTC().Format(time.RFC3339Nano)},
		}}
		if _, err := l.js.PublishMsgAsync(msg, jetstream.WithStallWait(10*time.Second)); err != nil {
			return fmt.Errorf("publish message: %w", err)
		}
	}
	select {
	case <-l.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-l.refused:
		return fmt.Errorf("publish message: %w", err)
	default:
		return nil
	}
}

// lag is how many messages the consumers together have still to handle, and
// whether all of them have begun.
func (l *rig) lag(ctx context.Context, consumers ...string) (lag uint64, begun bool) {
	s, err := l.conn.Status(ctx)
	if err != nil {
		return 0, false
	}
	started := 0
	for _, c := range s.Consumers {
		if slices.Contains(consumers, c.Name) {
			lag += c.Lag
			if c.LastAck != nil {
				started++
			}
		}
	}
	l.longest = max(l.longest, lag)
	return lag, started == len(consumers)
}

// watch shows a line of progress until it is done, and returns how long that took.
func (l *rig) watch(ctx context.Context, what string, within time.Duration, done func(lag uint64) bool, consumers ...string) (time.Duration, error) {
	begin := time.Now()
	var said time.Time
	for ; ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		lag, begun := l.lag(ctx, consumers...)
		if time.Since(said) >= time.Second {
			said = time.Now()
			progressf("  %3.0f s  %s: lag %d", time.Since(l.start).Seconds(), what, lag)
		}
		if begun && done(lag) {
			progressf("")
			return time.Since(begin), nil
		}
		if time.Since(begin) > within {
			return 0, fmt.Errorf("%s: not done after %v, lag is %d", what, within, lag)
		}
	}
	return 0, ctx.Err()
}

// For watch: until a time, and until nothing is left.
func until(t time.Time) func(uint64) bool { return func(uint64) bool { return time.Now().After(t) } }
func nothing(lag uint64) bool             { return lag == 0 }

// again is how many messages of a consumer were handed out more than once, each
// time counted.
func (l *rig) again(ctx context.Context, consumer string) (int, error) {
	c, err := l.js.Consumer(ctx, stream.Name, consumer)
	if err != nil {
		return 0, fmt.Errorf("look up consumer %s: %w", consumer, err)
	}
	info := c.CachedInfo()
	st, err := l.js.Stream(ctx, stream.Name)
	if err != nil {
		return 0, fmt.Errorf("look up stream: %w", err)
	}
	// Those of its subjects, all of which it has had.
	var n uint64
	for _, subject := range info.Config.FilterSubjects {
		i, err := st.Info(ctx, jetstream.WithSubjectFilter(subject))
		if err != nil {
			return 0, fmt.Errorf("count messages: %w", err)
		}
		for _, messages := range i.State.Subjects {
			n += messages
		}
	}
	return int(info.Delivered.Consumer) - int(n), nil //nolint:gosec // counts
}

// dead fails when there are dead letters.
func (l *rig) dead(ctx context.Context) error {
	s, err := l.conn.Status(ctx)
	if err != nil {
		return err
	}
	if len(s.Dead) > 0 {
		return fmt.Errorf("there are dead letters: %+v", s.Dead)
	}
	return nil
}

// pause waits for d, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// both are the consumers of the effects.
var both = []string{workerapp.Suppression, workerapp.Engagement}
