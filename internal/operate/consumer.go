package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/cioevents/cioevents/internal/stream"
)

// A ConsumerOrder describes where a consumer goes on, as an operator does.
type ConsumerOrder struct {
	// Name is the name of an effects consumer.
	Name string
	// From is "now", "beginning", or the sequence of the first event to handle.
	From string
}

// Check returns an InputError about a mistake.
func (o ConsumerOrder) Check() error {
	if !slices.Contains([]string{kindSuppression, kindEngagement}, kindOf(o.Name)) {
		return &InputError{"NAME", fmt.Errorf("%q keeps no position: want suppression, engagement, suppression-WORKSPACE or engagement-WORKSPACE; for a warehouse use cioctl replay start", o.Name)}
	}
	if _, err := strconv.ParseUint(o.From, 10, 64); err != nil && o.From != "now" && o.From != "beginning" {
		return &InputError{"from", fmt.Errorf("invalid position %q: want now, beginning or the sequence of the first event to handle", o.From)}
	}
	return nil
}

// A ConsumerStart is a checked order with its consequences.
type ConsumerStart struct {
	Name string `json:"consumer"`
	// After is the sequence after which the consumer goes on.
	After uint64 `json:"after"`
	// Floor is the stored sequence up to which all events are settled. Known is false
	// without a stored sequence.
	Floor uint64 `json:"floor"`
	Known bool   `json:"floor_known"`
	// Repeated is the part of the stream that the consumer handles after a step back;
	// nil without a step back.
	Repeated *stream.Replay `json:"-"`
	// Skipped is the number of events that the consumer never handles.
	Skipped uint64 `json:"skipped"`
}

// PlanConsumer finds out the consequences of an order, and changes nothing.
func PlanConsumer(ctx context.Context, conn *stream.Conn, o ConsumerOrder) (*ConsumerStart, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &ConsumerStart{Name: o.Name}
	var err error
	s.Floor, err = conn.Floor(ctx, o.Name)
	s.Known = err == nil
	if err != nil && !errors.Is(err, stream.ErrNoKey) {
		return nil, err
	}
	f := Filter{}
	if err := f.narrowTo(o.Name); err != nil {
		return nil, err
	}
	err = s.measure(ctx, conn, o.From, stream.Select(f.Workspaces, f.ObjectTypes, f.Metrics))
	return s, err
}

func (s *ConsumerStart) measure(ctx context.Context, conn *stream.Conn, from string, subjects []string) error {
	whole, err := conn.MeasureFrom(ctx, s.Name, subjects, s.Floor)
	if err != nil {
		return err
	}
	switch from {
	case "now":
		s.After = whole.End
	case "beginning":
	default:
		first, _ := strconv.ParseUint(from, 10, 64) // Check has read it
		s.After = min(max(first, 1)-1, whole.End)
	}
	rest, err := conn.MeasureFrom(ctx, s.Name, subjects, s.After)
	if err != nil {
		return err
	}
	if s.After > s.Floor {
		s.Skipped = whole.Total - min(rest.Total, whole.Total)
	}
	if s.After < s.Floor || !s.Known && s.After < whole.End {
		s.Repeated = rest
	}
	return nil
}

// StartConsumer makes the consumer go on as planned. A worker recreates the consumer
// within seconds.
func StartConsumer(ctx context.Context, conn *stream.Conn, s *ConsumerStart) error {
	return conn.StartConsumer(ctx, s.Name, s.After)
}
