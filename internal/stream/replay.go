package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// replayPrefix begins the names of the consumers that are replays.
const replayPrefix = "replay-"

// Keys of a replay's metadata. Whoever serves it reads them there, so that it
// needs no other place to keep them.
const (
	metaTarget = "cioevents.target"
	metaSince  = "cioevents.since"
	metaUntil  = "cioevents.until"
	metaFilter = "cioevents.filter"
	metaEnd    = "cioevents.end"
	metaTotal  = "cioevents.total"
)

// A ReplayRequest says what is read again, and for whom. Target is required.
type ReplayRequest struct {
	// Target is the consumer whose handler gets the events.
	Target string
	// Subjects narrow the events. Default AllEvents.
	Subjects []string
	// Filter is what Subjects came from, to be shown.
	Filter string
	// Since and Until bound the time of storing, Until itself not included.
	// Default from the first event to the last one that is stored now.
	Since, Until time.Time
}

// A Replay is history on its way to one consumer's handler once more.
type Replay struct {
	ID     string `json:"id"`
	Target string `json:"target"`
	// Since is zero for the beginning of the stream.
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until"`
	Filter string    `json:"filter,omitempty"`
	// End is the sequence of the last event that may belong to it.
	End uint64 `json:"end"`
	// Total is how many events it had at its start.
	Total     uint64    `json:"total"`
	StartedAt time.Time `json:"started_at"`
	// Done reports that everything up to End is settled.
	Done bool `json:"done"`
	// Begun reports that a worker has taken it up.
	Begun bool `json:"begun"`

	subjects []string
}

// ErrNothingToReplay reports that no stored event is selected.
var ErrNothingToReplay = errors.New("no stored event is selected")

// ErrNoReplay reports that there is no replay with an id: it is finished, or has
// never been.
var ErrNoReplay = errors.New("there is no such replay")

// StartReplay creates a replay. Workers that have its target take it up by
// themselves.
func (c *Conn) StartReplay(ctx context.Context, q ReplayRequest) (*Replay, error) {
	if len(q.Subjects) == 0 {
		q.Subjects = []string{AllEvents}
	}
	r := &Replay{ID: newReplayID(), Target: q.Target, Since: q.Since, Until: q.Until, Filter: q.Filter, subjects: q.Subjects}
	if err := c.bound(ctx, r); err != nil {
		return nil, fmt.Errorf("start replay: %w", err)
	}
	if r.Total == 0 {
		return nil, fmt.Errorf("start replay: %w", ErrNothingToReplay)
	}
	cfg := consumerConfig(replayPrefix+r.ID, filters(q.Subjects))
	cfg.Description = "cioevents replay to " + r.Target
	startAt(&cfg, r.Since)
	cfg.Metadata = r.metadata()
	cons, err := c.js.CreateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("start replay: %w", err)
	}
	r.StartedAt = cons.CachedInfo().Created
	return r, nil
}

// newReplayID is a time to sort by and four characters against a second one in
// the same second.
func newReplayID() string {
	return time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:4])
}

// bound fixes where r ends and how much that is.
func (c *Conn) bound(ctx context.Context, r *Replay) error {
	st, err := c.js.Stream(ctx, Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", Name, err)
	}
	r.End = st.CachedInfo().State.LastSeq
	if r.Until.IsZero() {
		r.Until = time.Now().UTC()
	} else {
		later, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) { startAt(cfg, r.Until) })
		if err != nil {
			return err
		}
		// A new consumer says where it begins by what it has delivered: all
		// before that.
		r.End = min(r.End, later.Delivered.Stream)
	}
	all, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) { startAt(cfg, r.Since) })
	if err != nil {
		return err
	}
	beyond, err := c.countFrom(ctx, r, r.End+1)
	if err != nil {
		return err
	}
	if all.NumPending > beyond && all.Delivered.Stream < r.End {
		r.Total = all.NumPending - beyond
	}
	return nil
}

// countFrom counts the events of r's kind that are stored at a sequence or after it.
func (c *Conn) countFrom(ctx context.Context, r *Replay, sequence uint64) (uint64, error) {
	info, err := c.peek(ctx, r.subjects, func(cfg *jetstream.ConsumerConfig) {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence
	})
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}

// peek returns what a consumer would find, by making one for a moment: the
// stream answers no such question by itself.
func (c *Conn) peek(ctx context.Context, subjects []string, start func(*jetstream.ConsumerConfig)) (*jetstream.ConsumerInfo, error) {
	cfg := jetstream.ConsumerConfig{
		FilterSubjects: subjects, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 10 * time.Second,
	}
	start(&cfg)
	cons, err := c.js.CreateConsumer(ctx, Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	info := cons.CachedInfo()
	_ = c.js.DeleteConsumer(ctx, Name, info.Name) // it goes by itself, only later
	return info, nil
}

// startAt makes a consumer begin at a time, the zero time for the beginning.
func startAt(cfg *jetstream.ConsumerConfig, t time.Time) {
	if t.IsZero() {
		cfg.DeliverPolicy = jetstream.DeliverAllPolicy
		return
	}
	cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &t
}

func (r *Replay) metadata() map[string]string {
	m := map[string]string{
		metaTarget: r.Target,
		metaUntil:  formatTime(r.Until),
		metaEnd:    strconv.FormatUint(r.End, 10),
		metaTotal:  strconv.FormatUint(r.Total, 10),
	}
	if !r.Since.IsZero() {
		m[metaSince] = formatTime(r.Since)
	}
	if r.Filter != "" {
		m[metaFilter] = r.Filter
	}
	return m
}

// replayOf reads a replay back from its consumer.
func replayOf(info *jetstream.ConsumerInfo) Replay {
	m := info.Config.Metadata
	end, _ := strconv.ParseUint(m[metaEnd], 10, 64) // 0 ends it at once, when somebody else has made it
	total, _ := strconv.ParseUint(m[metaTotal], 10, 64)
	r := Replay{
		ID: strings.TrimPrefix(info.Name, replayPrefix), Target: m[metaTarget], Filter: m[metaFilter],
		Since: parseTime(m[metaSince]), Until: parseTime(m[metaUntil]), End: end, Total: total,
		StartedAt: info.Created, subjects: info.Config.FilterSubjects,
	}
	if len(r.subjects) == 0 {
		r.subjects = []string{cmp.Or(info.Config.FilterSubject, AllEvents)}
	}
	// The floor stays below a message that is still to be settled. It also
	// stays behind when no event follows: then nothing is left.
	r.Done = info.AckFloor.Stream >= end || info.NumPending == 0 && info.NumAckPending == 0
	r.Begun = info.Delivered.Consumer > 0
	return r
}

func isReplay(info *jetstream.ConsumerInfo) bool { return strings.HasPrefix(info.Name, replayPrefix) }

// Replays lists the replays that are not finished, and those that have just
// been, the oldest first.
func (c *Conn) Replays(ctx context.Context) ([]Replay, error) {
	st, err := c.js.Stream(ctx, Name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", Name, err)
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

// Remaining looks a replay up and counts its events that are not settled. The
// error is ErrNoReplay when it is gone.
func (c *Conn) Remaining(ctx context.Context, id string) (uint64, *Replay, error) {
	cons, err := c.js.Consumer(ctx, Name, replayPrefix+id)
	if err != nil {
		return 0, nil, replayError(id, err)
	}
	info := cons.CachedInfo()
	r := replayOf(info)
	unsettled := uint64(max(info.NumAckPending, 0))
	switch {
	case r.Done:
		return 0, &r, nil
	case info.Delivered.Stream >= r.End:
		return min(unsettled, r.Total), &r, nil
	}
	beyond, err := c.countFrom(ctx, &r, r.End+1)
	if err != nil {
		return 0, nil, err
	}
	// Not info.NumPending, which learns a little later of what is stored, and would
	// lack some of what is beyond.
	pending, err := c.countFrom(ctx, &r, info.Delivered.Stream+1)
	if err != nil {
		return 0, nil, err
	}
	return min(pending-min(pending, beyond)+unsettled, r.Total), &r, nil
}

// DeleteReplay ends a replay, finished or not. The error is ErrNoReplay when it
// is gone.
func (c *Conn) DeleteReplay(ctx context.Context, id string) error {
	return replayError(id, c.js.DeleteConsumer(ctx, Name, replayPrefix+id))
}

func replayError(id string, err error) error {
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("replay %s: %w", id, ErrNoReplay)
	}
	if err != nil {
		return fmt.Errorf("replay %s: %w", id, err)
	}
	return nil
}

// Select returns the subjects of the events that have one of the words in each
// list, an empty list standing for all.
func Select(workspaces, objectTypes, metrics []string) []string {
	var subjects []string
	for _, w := range orAny(workspaces) {
		for _, o := range orAny(objectTypes) {
			for _, m := range orAny(metrics) {
				subjects = append(subjects, eventsPrefix+anyOr(w)+"."+anyOr(o)+"."+anyOr(m))
			}
		}
	}
	slices.Sort(subjects)
	return slices.Compact(subjects) // a consumer refuses subjects that overlap
}

func orAny(words []string) []string {
	if len(words) == 0 {
		return []string{""}
	}
	return words
}
