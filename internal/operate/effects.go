package operate

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Trial is the result of trying the rules on one event.
type Trial struct {
	// Line is the number of the event in the input, from 1.
	Line       int                 `json:"line"`
	EventID    string              `json:"event_id"`
	ObjectType webhook.ObjectType  `json:"object_type"`
	Metric     webhook.Metric      `json:"metric"`
	Class      webhook.BounceClass `json:"bounce_class,omitempty"`
	// Person is the kind of identifier in the event, "" without an identifier.
	Person effect.IDKind `json:"person"`
	// OtherRecipient marks a message to an address other than the person's own.
	OtherRecipient bool        `json:"other_recipient,omitempty"`
	Rules          []string    `json:"rules"` // names of the rules that apply
	Calls          []TrialCall `json:"calls"`
}

// A TrialCall is a call of the Track API without the person.
type TrialCall struct {
	Kind       effect.Kind    `json:"kind"`
	At         time.Time      `json:"at"`
	Event      string         `json:"event,omitempty"`
	ID         string         `json:"id,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// TryEffects returns the Track API calls that a policy makes of each body, without
// calling. Bodies that are not events are in the error, and all others in the
// trials.
func TryEffects(p effect.Policy, bodies iter.Seq[[]byte], now time.Time) ([]Trial, error) {
	trials, mistakes, n := []Trial{}, []error(nil), 0
	for body := range bodies {
		n++
		e, err := webhook.Parse(body)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("event %d: %w", n, err))
			continue
		}
		trials = append(trials, try(p, e, n, now))
	}
	return trials, errors.Join(mistakes...)
}

func try(p effect.Policy, e *webhook.Event, n int, now time.Time) Trial {
	person, _ := effect.PersonOf(e)
	t := Trial{
		Line: n, EventID: e.ID, ObjectType: e.ObjectType, Metric: e.Metric, Person: person.Kind,
		Class: e.BounceClass(), OtherRecipient: effect.OtherRecipient(e),
		Rules: append([]string{}, p.Applying(e)...), Calls: []TrialCall{},
	}
	for _, call := range append(p.Suppression(e, now), p.Engagement(e, now)...) {
		t.Calls = append(t.Calls, TrialCall{call.Kind, call.At.UTC(), call.Event, call.ID, call.Attributes})
	}
	return t
}
