package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// maxEvents is the number of events of a person in a store above which Check refuses: a
// mistake in an identifier may name many.
const maxEvents = 10_000

// Errors of Check.
var (
	ErrMany    = fmt.Errorf("a person has more than %d events", maxEvents)
	ErrEffects = errors.New("dead letters have effects that were never performed")
)

// A Plan is what an erasure would do.
type Plan struct {
	Persons []*Person
	// Counts has what each store holds about each person.
	Counts [][]StoreCount
	// Effects are the dead letters whose effect was never performed, such as an opt-out
	// that did not reach Customer.io.
	Effects []DeadEffect
}

// A DeadEffect is a dead letter whose effect was never performed.
type DeadEffect struct {
	Number uint64       `json:"seq"`
	From   string       `json:"from"`
	Reason fault.Reason `json:"reason"`
	Metric string       `json:"metric"`
}

// Plan counts what an erasure of the persons would remove. The error is ErrUnread when a
// store could not be read: nothing may be erased then, because the store may know further
// identifiers of a person.
func (p *People) Plan(ctx context.Context, persons []*Person) (*Plan, error) {
	plan := &Plan{Persons: persons, Effects: []DeadEffect{}} // for JSON: [] and not null
	var err error
	if plan.Counts, err = p.Find(ctx, persons); err != nil {
		return plan, err
	}
	return plan, p.addEffects(ctx, plan)
}

// addEffects adds the dead letters of the persons that still have an effect.
func (p *People) addEffects(ctx context.Context, plan *Plan) error {
	return p.dead.Each(ctx, plain(plan.Persons), func(d *event.StoredDeadLetter, e *webhook.Event) error {
		if hasEffect(d) {
			plan.Effects = append(plan.Effects, DeadEffect{Number: d.Entries[0], From: d.From, Reason: d.Reason, Metric: string(e.Metric)})
		}
		return nil
	})
}

// hasEffect reports whether a redrive of a dead letter may have an effect outside of the
// warehouses. A dead letter of ingest has reached no consumer at all.
func hasEffect(d *event.StoredDeadLetter) bool { return !isWarehouse(d.From) }

// isWarehouse reports whether a consumer fills a warehouse.
func isWarehouse(consumer string) bool {
	return consumer == place.FirstConsumer || strings.HasPrefix(consumer, place.FirstConsumer+"-")
}

// A Consent lifts the refusals of Check.
type Consent struct {
	// Many allows persons with more than 10,000 events in a store.
	Many bool
	// DropEffects allows to delete dead letters whose effect was never performed.
	DropEffects bool
}

// Check returns nil when the persons may be erased, and otherwise ErrUnread, ErrSeveral,
// ErrMany or ErrEffects.
func (pl *Plan) Check(c Consent) error {
	counts := slices.Concat(pl.Counts...)
	for _, refusal := range []struct {
		applies bool
		err     error
	}{
		{slices.ContainsFunc(counts, func(s StoreCount) bool { return s.Error != "" }), ErrUnread},
		{slices.ContainsFunc(pl.Persons, func(p *Person) bool { return len(p.Others) > 0 }), ErrSeveral},
		{!c.Many && slices.ContainsFunc(counts, func(s StoreCount) bool { return s.Events > maxEvents }), ErrMany},
		{!c.DropEffects && len(pl.Effects) > 0, ErrEffects},
	} {
		if refusal.applies {
			return refusal.err
		}
	}
	return nil
}
