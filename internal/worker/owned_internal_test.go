package worker

import (
	"slices"
	"testing"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestOwned(t *testing.T) {
	t.Parallel()
	joe, sue, other := &entry{last: 7}, &entry{last: none}, &entry{last: none}
	o := newOwned([]event.Attempt{{Work: joe}, {}, {Work: joe}, {Work: joe}, {}, {}}) // joe is of an earlier try
	for i, p := range []*entry{joe, sue, joe, joe, sue} {
		o.add(p, i)
	}
	for p, want := range map[*entry][]int{joe: {3, 2, 0}, sue: {4, 1}, other: nil} {
		if got := slices.Collect(o.of(p)); !slices.Equal(got, want) {
			t.Errorf("messages %v, want %v", got, want)
		}
	}
	for i := range o.of(joe) {
		if i == 2 {
			break
		}
	}
	if !slices.Equal(o.people, []*entry{joe, sue}) {
		t.Errorf("%d people, want joe and sue", len(o.people))
	}
}

// Equal values of different kinds of identifiers are different people.
func TestFoldKeepsKindsApart(t *testing.T) {
	t.Parallel()
	people := fold{}
	entries := map[*entry]int{}
	for range 2 {
		for _, kind := range []effect.IDKind{effect.ID, effect.CioID, effect.Email} {
			entries[people.add(outcome{calls: []effect.Call{{Kind: effect.Track, Person: effect.Person{Kind: kind, Value: "7"}}}})]++
		}
		for _, metric := range []webhook.Metric{"", webhook.Opened, webhook.Clicked} {
			entries[people.add(outcome{otherRecipient: metric})]++
		}
	}
	if len(entries) != 6 {
		t.Errorf("%d entries, want 6", len(entries))
	}
	for p, n := range entries {
		if n != 2 {
			t.Errorf("%+v has %d messages, want 2", p.key, n)
		}
	}
}
