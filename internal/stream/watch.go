package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// watchEvery is a usual scrape interval of Prometheus.
const watchEvery = 15 * time.Second

// keepReading is the greatest age of a reported reading. An outage appears as a gap in
// the instruments; a single failed look does not.
const keepReading = time.Minute

// WatchConfig configures a Watch.
type WatchConfig struct {
	// Consumers are the names of the consumers to watch.
	Consumers []string
	// Every is the pause between two readings. Default 15 s.
	Every time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Watch reads the state of the streams and the consumers periodically. As a
// prometheus.Collector, a Watch reports the last reading: a scrape never waits for
// NATS.
type Watch struct {
	conn *Conn
	cfg  WatchConfig

	mu   sync.Mutex
	last *reading // nil before the first
}

// A reading is the state of the streams and the consumers at a time.
type reading struct {
	at        time.Time
	stream    *jetstream.StreamInfo
	dead      *deadReading // nil for a missing stream
	consumers []*jetstream.ConsumerInfo
	ages      map[string]time.Duration
}

// NewWatch returns a Watch that Run starts.
func (c *Conn) NewWatch(cfg WatchConfig) *Watch {
	if cfg.Every == 0 {
		cfg.Every = watchEvery
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Watch{conn: c, cfg: cfg}
}

// Run takes readings until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for w.conn.until(ctx, "consumer lag not measured, retrying", w.look) == nil {
		select {
		case <-time.After(w.pause()):
		case <-ctx.Done():
			return
		}
	}
}

// pause returns a short pause until all consumers exist.
func (w *Watch) pause() time.Duration {
	if r := w.seen(); r == nil || len(r.consumers) < len(w.cfg.Consumers) {
		return min(w.cfg.Every, retryWait)
	}
	return w.cfg.Every
}

// seen returns the last reading, nil before the first and after keepReading.
func (w *Watch) seen() *reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil || w.cfg.Now().Sub(w.last.at) > keepReading {
		return nil
	}
	return w.last
}

// look takes a reading and stores it. After a failed look-up of ages, look stores the
// reading with the ages that are known.
func (w *Watch) look(ctx context.Context) error {
	st, err := w.conn.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	dead, err := w.conn.readDead(ctx)
	if err != nil {
		return err
	}
	infos, err := durables(ctx, st)
	if err != nil {
		return err
	}
	infos = slices.DeleteFunc(infos, func(i *jetstream.ConsumerInfo) bool { return !slices.Contains(w.cfg.Consumers, i.Name) })
	r := &reading{at: w.cfg.Now(), stream: st.CachedInfo(), dead: dead, consumers: infos}
	r.ages, err = ages(ctx, st, infos, r.at)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = r
	return err
}

// ages returns, by consumer, the time since the oldest unsettled message was stored;
// 0 when all messages are settled.
func ages(ctx context.Context, st jetstream.Stream, infos []*jetstream.ConsumerInfo, now time.Time) (map[string]time.Duration, error) {
	m := map[string]time.Duration{}
	for _, info := range infos {
		stored, err := oldest(ctx, st, info)
		if err != nil {
			return m, fmt.Errorf("look up oldest message of consumer %s: %w", info.Name, err)
		}
		m[info.Name] = 0
		if !stored.IsZero() {
			m[info.Name] = max(0, now.Sub(stored)) // the stream's clock may be ahead
		}
	}
	return m, nil
}

// Oldest returns when the oldest unsettled message of a consumer was stored, the zero time
// when all messages are settled.
func (c *Conn) Oldest(ctx context.Context, consumer string) (time.Time, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return time.Time{}, err
	}
	info, err := c.consumerInfo(ctx, consumer)
	if err != nil || info == nil {
		return time.Time{}, err
	}
	return oldest(ctx, st, info)
}

// OldestOf returns Oldest of each consumer that has a lag, by its name.
func (c *Conn) OldestOf(ctx context.Context, consumers []ConsumerStatus) (map[string]time.Time, error) {
	stored := map[string]time.Time{}
	for i := range consumers {
		if consumers[i].Lag == 0 {
			continue
		}
		at, err := c.Oldest(ctx, consumers[i].Name)
		if err != nil {
			return nil, err
		}
		stored[consumers[i].Name] = at
	}
	return stored, nil
}

// oldest returns the time of storing of the consumer's oldest unsettled message, the
// zero time when all messages are settled. The oldest unsettled message is the first
// message above AckFloor with one of the consumer's subjects.
func oldest(ctx context.Context, st jetstream.Stream, info *jetstream.ConsumerInfo) (first time.Time, err error) {
	if lagOf(info) == 0 {
		return first, nil
	}
	subjects := filtersOf(&info.Config)
	if len(subjects) == 0 { // no filter: every message
		subjects = []string{">"}
	}
	for _, subject := range subjects {
		m, err := st.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return first, err
		case first.IsZero() || m.Time.Before(first):
			first = m.Time
		}
	}
	return first, nil
}
