package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
)

// status counts held suppressions and says what to do. Only a redrive that names the
// reason releases them.
func TestHeldSuppressions(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.consumer("suppression", "customerio.events.*.*.bounced")
	m := s.publish("a", "bounced")
	m.Body = []byte(`{"event_id":"a","object_type":"email","metric":"bounced","data":{"identifiers":{"id":"ann"}}}`)
	s.store(event.DeadLetter{
		Message: *m, From: "suppression", Reason: fault.ReasonHeldSuppression, Err: "why", Attempts: 1, Sequence: 1,
		Subject: "customerio.events.acme.email.bounced", StoredAt: time.Now(), DiedAt: time.Now(),
	})
	if out := s.ok("status"); !strings.Contains(out, "held_suppression") || !strings.Contains(out, "held suppressions: 1;") {
		t.Errorf("status does not show the held suppression:\n%s", out)
	}
	kept := operate.RedriveReport{Kept: map[string]int{
		"held suppressions: redrive them by their reason alone, held_suppression, which deletes the profiles": 1,
	}}
	for _, args := range [][]string{{"--all"}, {"1"}, {"--from", "suppression"}} {
		got := read[operate.RedriveReport](s, append([]string{"dead", "redrive"}, args...)...)
		if diff := cmp.Diff(kept, got); diff != "" {
			t.Errorf("redrive %v (-want +got):\n%s", args, diff)
		}
	}
	if out, errs, _ := s.run("dead", "redrive", "1", "--dry-run"); !strings.Contains(out, "held_suppression") || !strings.Contains(errs, "kept  1  held suppressions: redrive them by") {
		t.Errorf("a dry run does not say what is kept:\n%s%s", out, errs)
	}
	s.wrong("nobody can confirm: give --yes", "dead", "redrive", "--reason", "held_suppression")
	plan, people, err := operate.PlanRedrive(t.Context(), s.conn, [][]uint64{{1}}, true)
	if diff := cmp.Diff(operate.RedriveReport{Redriven: 1, Kept: map[string]int{}}, plan); diff != "" || people != 1 || err != nil {
		t.Errorf("plan of 1 suppression of %d people (-want +got):\n%s%v", people, diff, err)
	}
	var asked strings.Builder
	c := &cli{in: strings.NewReader("n\n"), err: &asked}
	if err := c.confirmRelease(t.Context(), s.conn, [][]uint64{{1}}); err == nil || !strings.Contains(asked.String(), "DELETED for good.\nRedrive 1 held suppression, people: 1? [y/N]") {
		t.Errorf("asked %q, %v", asked.String(), err)
	}
	got := read[operate.RedriveReport](s, "dead", "redrive", "--reason", "held_suppression", "--yes")
	if diff := cmp.Diff(operate.RedriveReport{Redriven: 1, Kept: map[string]int{}}, got); diff != "" {
		t.Errorf("release (-want +got):\n%s", diff)
	}
	if out := s.ok("status"); !strings.Contains(out, "no dead letters") || strings.Contains(out, "held") {
		t.Errorf("status after the release:\n%s", out)
	}
}

// A replay holds an event once more. A decision about one of the copies settles all, whether
// the filter selects the first copy, the second or both.
func TestCopiesOfAHold(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"drop the first": {"drop", "1", "--yes"}, "drop the second": {"drop", "3", "--yes"},
		"redrive the first":  {"redrive", "1", "--reason", "held_suppression", "--yes"},
		"redrive the second": {"redrive", "3", "--reason", "held_suppression", "--yes"},
		"redrive both":       {"redrive", "1", "3", "--reason", "held_suppression", "--yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			consumer := s.consumer("suppression", "customerio.events.*.*.spammed") // adds the redrives
			for i, held := range []struct{ id, by string }{{"a", "suppression"}, {"b", "suppression"}, {"a", "replay-1"}} {
				m := s.publish(held.id, "bounced")
				s.store(event.DeadLetter{
					Message: *m, From: "suppression", Consumer: held.by, Reason: fault.ReasonHeldSuppression, Err: "why", Attempts: 1,
					Sequence: uint64(i + 1), Subject: "customerio.events.acme.email.bounced", StoredAt: time.Now(), DiedAt: time.Now(),
				})
			}
			if out, _, _ := s.run("dead", args[0], args[1], "--dry-run"); strings.Count(out, " held_suppression ") != 2 {
				t.Errorf("the dry run does not list both copies:\n%s", out)
			}
			s.ok(append([]string{"dead"}, args...)...)
			rest := read[[]operate.DeadLetter](s, "dead", "list")
			if len(rest) != 1 || rest[0].ID != "b" {
				t.Errorf("dead letters left: %+v, want b alone", rest)
			}
			if got := s.handled(consumer); args[0] == "redrive" && len(got) != 1 || args[0] == "drop" && len(got) > 0 {
				t.Errorf("suppression receives %q", got)
			}
		})
	}
}
