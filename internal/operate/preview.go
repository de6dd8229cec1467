package operate

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Preview counts the effects of a replay to an effects consumer.
type Preview struct {
	// Events is the number of selected events.
	Events uint64 `json:"events"`
	// Read is the part of Events that was read. The numbers below are about the part.
	Read uint64 `json:"read"`
	// Acting is the number of events with an effect.
	Acting uint64 `json:"events_with_effect"`
	// People is the number of people with an effect.
	People int `json:"people"`
	// Suppressions is the number of people who are suppressed: deleted for good.
	Suppressions int `json:"suppressions"`
}

// Complete reports whether all events were read.
func (p *Preview) Complete() bool { return p.Read >= p.Events }

// NeedsPreview reports whether a replay to the target has irreversible effects. A replay
// to a warehouse changes no existing row.
func NeedsPreview(target string) bool {
	return kindOf(target) == kindSuppression || kindOf(target) == kindEngagement
}

// PreviewLimit is the default of the time for reading: some two million events.
const PreviewLimit = 20 * time.Second

// PreviewReplay reads the events of a replay for at most limit and counts the effects of
// the policy. PreviewReplay calls seen with the number of events so far.
func PreviewReplay(ctx context.Context, conn *stream.Conn, r *stream.Replay, p effect.Policy, limit time.Duration, seen func(read uint64)) (*Preview, error) {
	v := previewer{Preview: Preview{Events: r.Total}, policy: p, seed: maphash.MakeSeed(), people: map[uint64]bool{}}
	if kindOf(r.Target) == kindEngagement {
		v.calls = p.Engagement
	} else {
		v.calls = p.Suppression
	}
	if r.Total == 0 {
		return &v.Preview, nil
	}
	end := time.Now().Add(limit)
	err := conn.ReadReplay(ctx, r, func(a event.Attempt) bool {
		v.add(&a)
		if v.Read%1024 == 0 {
			seen(v.Read)
		}
		return v.Read%1024 != 0 || time.Now().Before(end)
	})
	seen(v.Read)
	v.count()
	return &v.Preview, err
}

type previewer struct {
	Preview
	policy effect.Policy
	calls  func(*webhook.Event, time.Time) []effect.Call
	seed   maphash.Seed
	// people says of each person, by hash, whether the person is suppressed. A hash
	// instead of the identifier: 2 million people fit into 80 MB.
	people map[uint64]bool
}

func (v *previewer) add(a *event.Attempt) {
	v.Read++
	e, err := webhook.Parse(a.Body)
	if err != nil {
		return // the worker dead-letters the event
	}
	calls := v.calls(e, a.ReceivedAt)
	if len(calls) == 0 {
		return
	}
	v.Acting++
	person := maphash.Comparable(v.seed, struct {
		workspace string
		person    effect.Person
	}{a.Workspace, calls[0].Person})
	for _, c := range calls {
		v.people[person] = v.people[person] || c.Kind == effect.Suppress
	}
}

func (v *previewer) count() {
	v.People = len(v.people)
	for _, suppressed := range v.people {
		if suppressed {
			v.Suppressions++
		}
	}
}
