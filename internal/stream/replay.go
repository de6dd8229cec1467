package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// replayPrefix is the prefix of the names of consumers that are replays.
const replayPrefix = "replay-"

// A ReplayRequest selects the events of a replay. Target is required.
type ReplayRequest struct {
	// Target is the consumer whose handler processes the events.
	Target string
	// Subjects select the events. Default AllEvents, without backfilled events: see
	// WithBackfill.
	Subjects []string
	// Filter is the operator's description of Subjects, for display.
	Filter string
	// Since and Until bound the time of storing; Until itself is not included.
	// Default zero: from the first event to the last event that is stored now.
	Since, Until time.Time
}

// A Replay sends stored events to the handler of a consumer once more.
type Replay struct {
	ID     string `json:"id"`
	Target string `json:"target"`
	// Since is zero for the beginning of the stream.
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until"`
	Filter string    `json:"filter,omitempty"`
	// End is the largest sequence that an event of the replay can have.
	End uint64 `json:"end"`
	// Total is the number of events of the replay at its start.
	Total     uint64    `json:"total"`
	StartedAt time.Time `json:"started_at"`
	// Done reports that all events up to End are settled.
	Done bool `json:"done"`
	// Begun reports that a worker has fetched at least one event.
	Begun bool `json:"begun"`

	subjects []string
	after    uint64 // overrides Since unless 0
}

// ErrNothingToReplay reports that no stored event is selected.
var ErrNothingToReplay = errors.New("no stored event is selected")

// ErrNoReplay reports that no replay has an id: the replay is finished, or never
// existed.
var ErrNoReplay = errors.New("no such replay")

// StartReplay creates a replay. Workers with the consumer q.Target find the replay by
// themselves.
func (c *Conn) StartReplay(ctx context.Context, q ReplayRequest) (*Replay, error) {
	r, err := c.MeasureReplay(ctx, q)
	if err != nil {
		return nil, err
	}
	r.ID = newReplayID()
	cfg := consumerConfig(replayPrefix+r.ID, r.subjects)
	cfg.Description = "cioevents replay to " + r.Target
	startAt(&cfg, r.Since)
	cfg.Metadata = r.metadata()
	target, err := c.consumerInfo(ctx, r.Target)
	if err != nil {
		return nil, fmt.Errorf("start replay: %w", err)
	}
	if target != nil { // the workers know MAX_ACK_PENDING, cioctl does not
		cfg.MaxAckPending = target.Config.MaxAckPending
	}
	cons, err := c.js.CreateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("start replay: %w", remedied(err, ""))
	}
	r.StartedAt = cons.CachedInfo().Created
	return r, nil
}

// newReplayID returns an id that sorts by time. The four random characters tell apart
// replays that start in the same second.
func newReplayID() string {
	return time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:4])
}

// Replays lists the unfinished replays, and finished replays that are not deleted
// yet, the oldest first.
func (c *Conn) Replays(ctx context.Context) ([]Replay, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	infos, err := durables(ctx, st)
	if err != nil {
		return nil, err
	}
	return replaysOf(infos), nil
}

func replaysOf(infos []*jetstream.ConsumerInfo) []Replay {
	list := []Replay{}
	for _, info := range infos {
		if isReplay(info) {
			list = append(list, replayOf(info))
		}
	}
	slices.SortFunc(list, func(a, b Replay) int { return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID)) })
	return list
}

// DeleteReplay ends a replay, finished or not. The error is ErrNoReplay when the
// replay does not exist.
func (c *Conn) DeleteReplay(ctx context.Context, id string) error {
	return replayError(id, c.js.DeleteConsumer(ctx, Name, replayPrefix+id))
}

func replayError(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		err = ErrNoReplay
	case errors.Is(err, jetstream.ErrStreamNotFound):
		err = noStream(Name)
	case errors.Is(err, nats.ErrConnectionClosed):
		err = ErrClosed
	}
	return fmt.Errorf("replay %s: %w", id, err)
}
