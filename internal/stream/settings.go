package stream

import (
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
	if s.Replicas == 0 {
		s.Replicas = 1
	}
	if s.MaxAge == 0 {
		s.MaxAge = 720 * time.Hour
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = -1
	}
	if s.DedupWindow == 0 {
		s.DedupWindow = 2 * time.Hour
	}
	return s
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
	return jetstream.StreamConfig{
		Name:        Name,
		Description: "Customer.io reporting webhooks, byte for byte as they were signed",
		Subjects:    []string{eventsPrefix + ">", redrivePrefix + ">"},
		// Work-queue and interest streams delete what is acknowledged: there
		// would be nothing to replay, and after a restart they accept its ids
		// again.
		Retention: jetstream.LimitsPolicy,
		// Discarding old messages would drop what no consumer has read yet.
		Discard:    jetstream.DiscardNew,
		Storage:    jetstream.FileStorage,
		Replicas:   s.Replicas,
		MaxAge:     s.MaxAge,
		MaxBytes:   s.MaxBytes,
		MaxMsgs:    -1,
		MaxMsgSize: -1,
		Duplicates: min(s.DedupWindow, s.MaxAge),
		DenyDelete: true,
	}
}

func (s Settings) deadStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        DeadName,
		Description: "Messages that were given up, with the reason in their headers",
		Subjects:    []string{deadPrefix + ">"},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		Storage:     jetstream.FileStorage,
		Replicas:    s.Replicas,
		MaxAge:      deadMaxAge,
		MaxBytes:    -1,
		MaxMsgs:     -1,
		MaxMsgSize:  -1,
		// Long enough for a letter that is written again because its confirmation
		// was lost.
		Duplicates: 2 * time.Minute,
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
