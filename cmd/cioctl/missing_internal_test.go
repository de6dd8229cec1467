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

// A size below what is stored would make the stream full at once.
func TestStreamApplyBelowWhatIsStored(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.publish("a", "bounced")
	out, errs, code := s.run("stream", "apply", "--stream-max-bytes", "100B")
	if code != 1 || out != "" || !strings.Contains(errs, "STREAM_MAX_BYTES is unlimited, configured is 100, but stream CUSTOMERIO stores ") || !strings.Contains(errs, "allow the loss with --less") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if out := s.ok("stream", "apply", "--stream-max-bytes", "100B", "--less"); out != "applied\n" {
		t.Errorf("with --less: %q", out)
	}
}
