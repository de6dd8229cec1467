package stream

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/config"
)

// Measured sizes of usual events, in bytes: of an event on the disk of a server, and of an
// id in the memory of a server.
const (
	bytesPerEvent = 708
	bytesPerID    = 146
)

// Settings are the properties of the stream that an operator chooses. Ensure applies
// the settings to a new stream, and Apply to a running stream. Ensure reports a
// running stream with other values, and never changes the stream silently.
type Settings struct {
	// Replicas is the number of copies of the stream, 1 to 5. Default 1; production
	// needs 3.
	Replicas int
	// MaxAge is how long the stream keeps messages, and so the farthest start of a
	// replay. Default 720h.
	MaxAge time.Duration
	// MaxBytes is the size in bytes at which the stream refuses new messages: at
	// least rate × MaxAge × bytesPerEvent. Default -1, unlimited.
	MaxBytes int64
	// DeadMaxBytes is the size in bytes at which the stream of dead letters refuses more,
	// and ingest answers 503 to a body that it cannot parse. Default -1, unlimited. Some
	// NATS accounts require a limit.
	DeadMaxBytes int64
	// DedupWindow is how long the server remembers the id of a message, at
	// bytesPerID of memory each. Default 2h. The sinks de-duplicate later repeats.
	DedupWindow time.Duration
}

func (s Settings) withDefaults() Settings {
	return Settings{
		Replicas:     cmp.Or(s.Replicas, 1),
		MaxAge:       cmp.Or(s.MaxAge, 720*time.Hour),
		MaxBytes:     cmp.Or(s.MaxBytes, -1),
		DeadMaxBytes: cmp.Or(s.DeadMaxBytes, -1),
		DedupWindow:  cmp.Or(s.DedupWindow, 2*time.Hour),
	}
}

// Declare adds the settings of the stream to the set.
func (s *Settings) Declare(set *config.Set) {
	*s = s.withDefaults()
	set.Var(config.Between(&s.Replicas, s.Replicas, 1, 5), "STREAM_REPLICAS", "replicas of the stream: 3 in production, 1 on a single server")
	set.Var((*config.Duration)(&s.MaxAge), "STREAM_MAX_AGE", "how long the stream keeps events for consumers and replays")
	set.Var((*config.ByteLimit)(&s.MaxBytes), "STREAM_MAX_BYTES", fmt.Sprintf("size at which the stream refuses new events; at least rate × STREAM_MAX_AGE × %d B", bytesPerEvent))
	set.Var((*config.ByteLimit)(&s.DeadMaxBytes), "DEAD_STREAM_MAX_BYTES", "size at which the stream of dead letters refuses more; ingest then answers 503 to a signed body that it cannot parse. Set it only if your NATS account requires a limit")
	set.Var((*config.Duration)(&s.DedupWindow), "DEDUP_WINDOW", fmt.Sprintf("how long the stream refuses a repeated event; needs %d B of server memory per event", bytesPerID))
	set.Check(s.check)
}

// leastAge is the shortest age and window that nats-server 2.15 accepts
// (checkStreamCfg in stream.go).
const leastAge = 100 * time.Millisecond

func (s *Settings) check() error {
	var mistakes []error
	for _, v := range []struct {
		name string
		age  time.Duration
	}{{"STREAM_MAX_AGE", s.MaxAge}, {"DEDUP_WINDOW", s.DedupWindow}} {
		if v.age < leastAge {
			mistakes = append(mistakes, config.Invalid(v.name, v.age.String(), "at least "+leastAge.String()))
		}
	}
	return errors.Join(mistakes...)
}

// deadMaxAge is how long the stream keeps dead letters: the time of an operator to
// read and redrive them.
const deadMaxAge = 90 * 24 * time.Hour

// deadWindow is how long the stream refuses a dead letter that is stored a second time
// because its confirmation was lost. The worker retries a message after at most 12.5
// minutes.
const deadWindow = 15 * time.Minute

func (s Settings) stream() jetstream.StreamConfig {
	cfg := s.base(Name, "Customer.io reporting webhooks, byte for byte as they were signed")
	cfg.Subjects = []string{eventsPrefix + ">", redrivePrefix + ">", backfillPrefix + ">"}
	cfg.MaxAge, cfg.MaxBytes = s.MaxAge, s.MaxBytes
	cfg.Duplicates = min(s.DedupWindow, s.MaxAge)
	return cfg
}

func (s Settings) deadStream() jetstream.StreamConfig {
	cfg := s.base(DeadName, "Messages that were given up, with the reason in their headers")
	cfg.Subjects = []string{deadPrefix + ">"}
	cfg.MaxAge, cfg.MaxBytes = deadMaxAge, s.DeadMaxBytes
	cfg.Duplicates = deadWindow
	return cfg
}

// base returns the properties that both streams share. Both allow deletion: their
// bodies hold personal data, which somebody may have to erase. Permissions protect the
// messages instead of DenyDelete: only an operator's user may delete.
func (s Settings) base(name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        name,
		Description: description,
		// Work-queue and interest streams delete acknowledged messages. A replay
		// would find no events, and after a restart the stream would accept the
		// ids of deleted messages again.
		Retention: jetstream.LimitsPolicy,
		// Discarding old messages could drop messages that no consumer has read.
		Discard:    jetstream.DiscardNew,
		Storage:    jetstream.FileStorage,
		Replicas:   s.Replicas,
		MaxMsgs:    -1,
		MaxMsgSize: -1,

		MaxMsgsPerSubject: -1,
		MaxConsumers:      -1,
	}
}
