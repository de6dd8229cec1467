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

// watchEvery is as often as instruments are usually read.
const watchEvery = 15 * time.Second

// keepReading is how old a reading may be. An outage is to be seen as a gap, and
// one look that fails is not.
const keepReading = time.Minute

// WatchConfig configures a Watch.
type WatchConfig struct {
	// Consumers are those to look at, by name.
	Consumers []string
	// Every is the pause between two looks. Default 15 s.
	Every time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Watch looks at the streams and at consumers from time to time. It is the
// prometheus.Collector of what it has seen last: whoever reads the instruments
// never waits for NATS.
type Watch struct {
	conn *Conn
	cfg  WatchConfig

	mu   sync.Mutex
	last *reading // nil before the first
}

// A reading is what a look has seen.
type reading struct {
	at        time.Time
	stream    *jetstream.StreamInfo
	dead      uint64
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

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for w.conn.until(ctx, "lag cannot be measured, trying again", w.look) == nil {
		select {
		case <-time.After(w.pause()):
		case <-ctx.Done():
			return
		}
	}
}

// pause is short until all consumers are there.
func (w *Watch) pause() time.Duration {
	if r := w.seen(); r == nil || len(r.consumers) < len(w.cfg.Consumers) {
		return min(w.cfg.Every, retryWait)
	}
	return w.cfg.Every
}

// seen returns the last reading, nil when there is none or it is too old.
func (w *Watch) seen() *reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil || w.cfg.Now().Sub(w.last.at) > keepReading {
		return nil
	}
	return w.last
}

// look takes a reading and keeps it, without ages if those cannot be had.
func (w *Watch) look(ctx context.Context) error {
	st, err := w.conn.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	dead, err := w.conn.lookUp(ctx, DeadName)
	if err != nil {
		return err
	}
	infos, err := durables(ctx, st)
	if err != nil {
		return err
	}
	infos = slices.DeleteFunc(infos, func(i *jetstream.ConsumerInfo) bool { return !slices.Contains(w.cfg.Consumers, i.Name) })
	r := &reading{at: w.cfg.Now(), stream: st.CachedInfo(), dead: dead.CachedInfo().State.Msgs, consumers: infos}
	r.ages, err = ages(ctx, st, infos, r.at)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = r
	return err
}

// ages returns how long the oldest message that a consumer has not settled has
// been stored, by consumer; 0 when all are settled.
func ages(ctx context.Context, st jetstream.Stream, infos []*jetstream.ConsumerInfo, now time.Time) (map[string]time.Duration, error) {
	m := map[string]time.Duration{}
	for _, info := range infos {
		stored, err := oldest(ctx, st, info)
		if err != nil {
			return m, fmt.Errorf("look up oldest message of consumer %s: %w", info.Name, err)
		}
		m[info.Name] = 0
		if !stored.IsZero() {
			m[info.Name] = max(0, now.Sub(stored)) // the stream has another clock
		}
	}
	return m, nil
}

// oldest returns when the oldest message that a consumer has not settled was
// stored, the zero time when all are settled. It is the first of the consumer's
// subjects above the floor of what is acknowledged.
func oldest(ctx context.Context, st jetstream.Stream, info *jetstream.ConsumerInfo) (first time.Time, err error) {
	if lagOf(info) == 0 {
		return first, nil
	}
	subjects := info.Config.FilterSubjects
	if len(subjects) == 0 { // it gets every message
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
