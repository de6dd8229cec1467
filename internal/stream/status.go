package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
)

// A Status is the state of the streams, the consumers and the replays.
type Status struct {
	Server    string           `json:"server"`
	Stream    StreamStatus     `json:"stream"`
	Consumers []ConsumerStatus `json:"consumers"`
	Replays   []Replay         `json:"replays"`
	// Dead is nil when the stream of dead letters is missing.
	Dead []DeadStatus `json:"dead_letters"`
	// Problems are sentences about streams that break a promise, and about consumers
	// that stand still, with what to do. The list is never nil.
	Problems []string `json:"problems"`
	// Found is Problems with the kind of each.
	Found []Problem `json:"-"`
}

// A StreamStatus is the state of the stream of events.
type StreamStatus struct {
	Name     string    `json:"name"`
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`
	MaxBytes int64     `json:"max_bytes"` // -1 for no limit
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Replicas int       `json:"replicas"`
}

// A ConsumerStatus is the state of one durable consumer.
type ConsumerStatus struct {
	Name string `json:"name"`
	// Lag counts the unsettled messages, delivered or not.
	Lag uint64 `json:"lag"`
	// InFlight counts the messages that are delivered and not settled.
	InFlight int `json:"in_flight"`
	// Redelivered counts the messages in flight for at least the second time.
	Redelivered int        `json:"redelivered"`
	LastAck     *time.Time `json:"last_ack"`
	// PausedUntil is the end of a pause, nil without one.
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	// Waiting counts the requests of workers that wait for messages.
	Waiting int `json:"-"`
	// Settled counts the deliveries up to the first that is not settled.
	Settled uint64 `json:"-"`
	// Foreign is set for a consumer of another program, and Edited for one of a worker that
	// somebody has edited.
	Foreign, Edited bool `json:"-"`
	// Store is the warehouse of the consumer, nil without one.
	Store *Store `json:"store,omitempty"`
	// Filters are the subjects that the consumer reads, none for all subjects.
	Filters []string `json:"filters"`
}

// Receives reports whether the consumer receives the message m after a redrive.
func (s *ConsumerStatus) Receives(m *event.Message) bool {
	subject := redriveSubject(s.Name, m)
	return len(s.Filters) == 0 || slices.ContainsFunc(s.Filters, func(f string) bool { return matches(f, subject) })
}

// A DeadStatus counts the dead letters of a consumer, or of ingest, with a reason.
type DeadStatus struct {
	From   string `json:"from"`
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// Status asks the server for the state of the streams and the consumers.
func (c *Conn) Status(ctx context.Context) (*Status, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	info := st.CachedInfo()
	s := &Status{
		Server: c.nc.ConnectedUrlRedacted(),
		Stream: StreamStatus{
			Name: Name, Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
			First: info.State.FirstTime, Last: info.State.LastTime, Replicas: info.Config.Replicas,
		},
		Problems: []string{},
	}
	s.addProperties(propertyProblems(info.Config, Settings{}.withDefaults().stream()))
	infos, err := durables(ctx, st)
	if err != nil {
		return nil, err
	}
	s.Consumers, s.Replays = consumersOf(infos), replaysOf(infos)
	held := c.held(ctx)
	s.add(FillProblem, isFull(info), fullness(info)...)
	s.add(ConsumerProblem, true, slices.Concat(pausesOf(infos), held, standing(infos, held))...)
	s.add(SettingProblem, false, c.notedSettings(ctx)...)
	return s, c.deadStatus(ctx, s)
}

// durables lists the durable consumers. Other consumers are temporary: tails, and
// the consumers that count events for a replay.
func durables(ctx context.Context, st jetstream.Stream) ([]*jetstream.ConsumerInfo, error) {
	var infos []*jetstream.ConsumerInfo
	list := st.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable != "" {
			infos = append(infos, info)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list consumers: %w", err)
	}
	return distinct(infos), nil
}

// distinct returns the latest report about each consumer. During an election two
// servers of a cluster may answer for one consumer, and nats-server lists both answers
// (jsClusteredConsumerListRequest in 2.15). Prometheus refuses a whole scrape with two
// equal series.
func distinct(infos []*jetstream.ConsumerInfo) []*jetstream.ConsumerInfo {
	slices.SortStableFunc(infos, func(a, b *jetstream.ConsumerInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), b.TimeStamp.Compare(a.TimeStamp))
	})
	return slices.CompactFunc(infos, func(a, b *jetstream.ConsumerInfo) bool { return a.Name == b.Name })
}

func consumersOf(infos []*jetstream.ConsumerInfo) []ConsumerStatus {
	list := []ConsumerStatus{}
	for _, info := range infos {
		if isReplay(info) {
			continue
		}
		list = append(list, *statusOf(info))
	}
	slices.SortFunc(list, func(a, b ConsumerStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func statusOf(info *jetstream.ConsumerInfo) *ConsumerStatus {
	s := &ConsumerStatus{
		Name:        info.Name,
		Lag:         lagOf(info),
		InFlight:    info.NumAckPending,
		Redelivered: info.NumRedelivered,
		LastAck:     info.AckFloor.Last,
		PausedUntil: pausedUntil(info),
		Filters:     append([]string{}, filtersOf(&info.Config)...), // for JSON: [] and not null
		Waiting:     info.NumWaiting,
		Settled:     info.AckFloor.Consumer,
		Foreign:     info.Config.Description != description(info.Name),
		Edited:      info.Config.Description == description(info.Name) && !isSigned(info.Config),
	}
	if store := storeOf(info.Config.Metadata); store.ID != "" {
		s.Store = &store
	}
	return s
}

// filtersOf returns the subjects that a consumer reads, none for all subjects.
func filtersOf(cfg *jetstream.ConsumerConfig) []string {
	if cfg.FilterSubject != "" {
		return []string{cfg.FilterSubject}
	}
	return cfg.FilterSubjects
}

// pausedUntil returns the end of a consumer's pause, nil without one.
func pausedUntil(info *jetstream.ConsumerInfo) *time.Time {
	if !info.Paused {
		return nil
	}
	return info.Config.PauseUntil
}

// pausesOf returns a sentence for each paused consumer, replays included.
func pausesOf(infos []*jetstream.ConsumerInfo) (problems []string) {
	for _, info := range infos {
		if until := pausedUntil(info); until != nil {
			problems = append(problems, fmt.Sprintf("consumer %s is paused until %s and gets no events; to end the pause, run nats consumer resume %s %s",
				info.Name, until.UTC().Format(time.RFC3339), Name, info.Name))
		}
	}
	return problems
}

func lagOf(info *jetstream.ConsumerInfo) uint64 {
	return info.NumPending + uint64(max(info.NumAckPending, 0))
}

// deadStatus adds the state of the stream of dead letters to s.
func (c *Conn) deadStatus(ctx context.Context, s *Status) error {
	st, err := c.lookUpDead(ctx)
	if errors.Is(err, ErrNoDeadStream) {
		s.add(SettingProblem, true, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	s.addProperties(propertyProblems(st.CachedInfo().Config, Settings{}.withDefaults().deadStream()))
	s.add(FillProblem, isFull(st.CachedInfo()), fullness(st.CachedInfo())...)
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(deadPrefix+">"))
	if err != nil {
		return fmt.Errorf("count dead letters: %w", err)
	}
	s.Dead = []DeadStatus{}
	for subject, n := range info.State.Subjects {
		from, reason, _ := strings.Cut(strings.TrimPrefix(subject, deadPrefix), ".")
		s.Dead = append(s.Dead, DeadStatus{From: from, Reason: reason, Count: n})
	}
	slices.SortFunc(s.Dead, func(a, b DeadStatus) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Reason, b.Reason))
	})
	return nil
}
