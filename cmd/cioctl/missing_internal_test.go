package main

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
)

// A missing stream of dead letters is not the same as no dead letters.
func TestMissingStreamOfDeadLetters(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.storeThree()
	s.srv.DeleteStream(stream.DeadName)
	if out := s.ok("status"); strings.Contains(out, "no dead letters") || !strings.Contains(out, "stream CUSTOMERIO_DEAD is missing") {
		t.Errorf("status:\n%s", out)
	}
	if got := read[stream.Status](s, "status"); got.Dead != nil || len(got.Problems) != 1 {
		t.Errorf("status as JSON: dead letters %v, problems %q", got.Dead, got.Problems)
	}
	for _, args := range [][]string{{"list"}, {"show", "1"}, {"redrive", "1"}, {"drop", "1", "--yes"}} {
		out, errs, code := s.run(append([]string{"dead"}, args...)...)
		if code != 1 || out != "" || !strings.Contains(errs, "stream CUSTOMERIO_DEAD is missing") {
			t.Errorf("dead %v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
	s.ok("stream", "apply")
	if out := s.ok("status"); !strings.Contains(out, "no dead letters") || strings.Contains(out, "PROBLEMS") {
		t.Errorf("status after apply:\n%s", out)
	}
}
