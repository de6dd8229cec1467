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
	s.store(event.DeadLetter{
		Message: *m, From: "suppression", Reason: fault.ReasonHeldSuppression, Err: "why", Attempts: 1, Sequence: 1,
		Subject: "customerio.events.acme.email.bounced", StoredAt: time.Now(), DiedAt: time.Now(),
	})
	if out := s.ok("status"); !strings.Contains(out, "held_suppression") || !strings.Contains(out, "held suppressions: 1;") {
		t.Errorf("status does not show the held suppression:\n%s", out)
	}
	kept := operate.RedriveReport{Kept: map[string]int{
		"held suppressions: redrive them with --reason held_suppression, which deletes the profiles": 1,
	}}
	for _, args := range [][]string{{"--all"}, {"1"}, {"--from", "suppression"}} {
		got := read[operate.RedriveReport](s, append([]string{"dead", "redrive"}, args...)...)
		if diff := cmp.Diff(kept, got); diff != "" {
			t.Errorf("redrive %v (-want +got):\n%s", args, diff)
		}
	}
	got := read[operate.RedriveReport](s, "dead", "redrive", "--reason", "held_suppression")
	if diff := cmp.Diff(operate.RedriveReport{Redriven: 1, Kept: map[string]int{}}, got); diff != "" {
		t.Errorf("release (-want +got):\n%s", diff)
	}
	if out := s.ok("status"); !strings.Contains(out, "no dead letters") || strings.Contains(out, "held") {
		t.Errorf("status after the release:\n%s", out)
	}
}
