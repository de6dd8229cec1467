package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
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

// Ensure creates the streams that do not exist. It returns one line for each
// property of the running stream that differs from s.
func (c *Conn) Ensure(ctx context.Context, s Settings) (differences []string, err error) {
	s = s.withDefaults()
	running, err := c.ensureStream(ctx, s.stream())
	if err != nil {
		return nil, err
	}
	if _, err := c.ensureStream(ctx, s.deadStream()); err != nil {
		return nil, err
	}
	return diff(running, s.stream()), nil
}

func (c *Conn) ensureStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.StreamConfig, error) {
	st, err := c.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = c.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			st, err = c.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return jetstream.StreamConfig{}, fmt.Errorf("ensure stream %s: %w", want.Name, err)
	}
	return st.CachedInfo().Config, nil
}

// ErrLess reports that settings would make the running stream less safe, or delete
// events.
var ErrLess = errors.New("the running stream would keep less")

// Apply gives the running streams the values of s. The error is ErrLess, and nothing
// is changed, when s has fewer replicas or a shorter age than the running stream and
// less is not true: settings that were forgotten are defaults.
func (c *Conn) Apply(ctx context.Context, s Settings, less bool) error {
	s = s.withDefaults()
	if st, err := c.js.Stream(ctx, Name); err == nil && !less {
		have := st.CachedInfo().Config
		if s.Replicas < have.Replicas || s.MaxAge < have.MaxAge {
			return fmt.Errorf("%w: %s", ErrLess, strings.Join(diff(have, s.stream()), "; "))
		}
	}
	for _, cfg := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		if _, err := c.js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("apply settings to stream %s: %w", cfg.Name, err)
		}
	}
	return nil
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
