package main

import (
	"context"
	"fmt"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/stream"
)

// verify compares the system with the model.
func (u *upgrade) verify(ctx context.Context) error {
	r, s := u.report, u.system
	want := newLedger(u.sender.answers)
	r.Want, r.Calls, r.Answers = want, u.sender.calls, len(u.sender.answers)
	for _, a := range u.sender.answers {
		if a.old {
			r.Old++
		}
	}
	status, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	r.Stored, r.Dead = int(status.Stream.Messages), deadLetters(status) //nolint:gosec // The number is small.
	r.Again = s.track.Counts().Suppress - r.Suppressed
	if err := u.campaign.history.Check(s.track.Fake); err != nil {
		r.Profiles = err.Error()
	}
	r.Unknown, r.Twice = u.suppressions(want)
	for _, person := range u.campaign.strangers {
		if s.track.Suppressed(person) != (want.suppressions[person] > 0) {
			r.Strangers++
		}
	}
	return nil
}

func deadLetters(status *stream.Status) (n int) {
	for _, d := range status.Dead {
		n += int(d.Count) //nolint:gosec // The number is small.
	}
	return n
}

// suppressions counts the suppress calls that no stored message explains: calls about a
// person whom nobody knows, and calls beyond the messages that suppress the person.
func (u *upgrade) suppressions(want *ledger) (unknown, twice int) {
	names, calls := u.campaign.names(), map[string]int{}
	for _, c := range u.system.track.Calls() {
		if c.Kind != customeriotest.Suppress {
			continue
		}
		person, ok := names[c.Identifier]
		if !ok {
			unknown++
			continue
		}
		calls[person]++
	}
	for person, n := range calls {
		twice += max(0, n-want.suppressions[person])
	}
	return unknown, twice
}

// found compares what the views show with the facts that the ledger expects.
func found(got shown, want *ledger) Found {
	f := Found{Sums: got.sums}
	for k, n := range got.facts {
		f.Events += n
		f.Repeated += n - 1
		if want.events[k] == nil {
			f.Strangers++
		}
	}
	for k := range want.events {
		if got.facts[k] == 0 {
			f.Lost++
		}
	}
	return f
}

// changed counts the facts of the old version that another number of rows shows than
// before.
func changed(before, after shown) (n int) {
	for k, count := range before.facts {
		if after.facts[k] != count {
			n++
		}
	}
	return n
}

func (f Found) String() string {
	return fmt.Sprintf("%d events: lost %d, repeated %d, never sent %d", f.Events, f.Lost, f.Repeated, f.Strangers)
}
