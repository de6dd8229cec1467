package stream

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/config"
)

// Settings are the properties of the stream that an operator chooses. They are
// applied when the stream is created and by Apply; a running stream with other
// values is reported, never silently changed.
type Settings struct {
	// Replicas is 1 or 3. Default 1.
	Replicas int
	// MaxAge is how long messages are kept. Default 720h: it is how far back a
	// replay can reach.
	MaxAge time.Duration
	// MaxBytes is the stream's size at which it refuses new messages. It must
	// hold rate × MaxAge × 708 bytes. Default -1, unlimited.
	MaxBytes int64
	// DedupWindow is how long an id is remembered, at 146 bytes of server
	// memory each. Default 2h; later repeats are de-duplicated by the sinks.
	DedupWindow time.Duration
}

func (s Settings) withDefaults() Settings {
	return Settings{
		Replicas:    cmp.Or(s.Replicas, 1),
		MaxAge:      cmp.Or(s.MaxAge, 720*time.Hour),
		MaxBytes:    cmp.Or(s.MaxBytes, -1),
		DedupWindow: cmp.Or(s.DedupWindow, 2*time.Hour),
	}
}

// Declare adds the settings of the stream to the set.
func (s *Settings) Declare(set *config.Set) {
	*s = s.withDefaults()
	set.Int(&s.Replicas, "STREAM_REPLICAS", s.Replicas, "copies of the stream: 3 in production, 1 on a single server")
	set.Var((*config.Duration)(&s.MaxAge), "STREAM_MAX_AGE", "how long events are kept, and can be replayed")
	set.Var((*config.Bytes)(&s.MaxBytes), "STREAM_MAX_BYTES", "size at which the stream refuses new events, at least rate × max age × 708 B")
	set.Var((*config.Duration)(&s.DedupWindow), "DEDUP_WINDOW", "how long the stream refuses an id it has seen, 146 B of its memory an id")
	set.Check(func() error {
		if s.Replicas < 1 || s.Replicas > 5 {
			return errors.New("STREAM_REPLICAS: must be from 1 to 5, better 1 or 3")
		}
		return nil
	})
}

// deadMaxAge is how long dead letters wait for somebody to look at them.
const deadMaxAge = 90 * 24 * time.Hour

func (s Settings) stream() jetstream.StreamConfig {
	cfg := s.base(Name, "Customer.io reporting webhooks, byte for byte as they were signed")
	cfg.Subjects = []string{eventsPrefix + ">", redrivePrefix + ">"}
	cfg.MaxAge, cfg.MaxBytes = s.MaxAge, s.MaxBytes
	cfg.Duplicates = min(s.DedupWindow, s.MaxAge)
	cfg.DenyDelete = true
	return cfg
}

func (s Settings) deadStream() jetstream.StreamConfig {
	cfg := s.base(DeadName, "Messages that were given up, with the reason in their headers")
	cfg.Subjects = []string{deadPrefix + ">"}
	cfg.MaxAge, cfg.MaxBytes = deadMaxAge, -1
	// Long enough for a letter that is written again because its confirmation
	// was lost.
	cfg.Duplicates = 2 * time.Minute
	return cfg
}

// base returns the properties that both streams share.
func (s Settings) base(name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        name,
		Description: description,
		// Work-queue and interest streams delete what is acknowledged: there
		// would be nothing to replay, and after a restart they accept its ids
		// again.
		Retention: jetstream.LimitsPolicy,
		// Discarding old messages would drop what no consumer has read yet.
		Discard:    jetstream.DiscardNew,
		Storage:    jetstream.FileStorage,
		Replicas:   s.Replicas,
		MaxMsgs:    -1,
		MaxMsgSize: -1,
	}
}

func diff(have, want jetstream.StreamConfig) []string {
	var lines []string
	add := func(name string, have, want any) {
		if have != want {
			lines = append(lines, fmt.Sprintf("%s is %v, configured is %v", name, have, want))
		}
	}
	add("STREAM_REPLICAS", have.Replicas, want.Replicas)
	add("STREAM_MAX_AGE", have.MaxAge, want.MaxAge)
	add("STREAM_MAX_BYTES", have.MaxBytes, want.MaxBytes)
	add("DEDUP_WINDOW", have.Duplicates, want.Duplicates)
	return lines
}
