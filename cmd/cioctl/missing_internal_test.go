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
	if code != 1 || out != "" || !strings.Contains(errs, "STREAM_MAX_BYTES is unlimited, configured is 100B, but stream CUSTOMERIO stores ") || !strings.Contains(errs, "allow the loss with --less") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if out := s.ok("stream", "apply", "--stream-max-bytes", "100B", "--less"); out != "CUSTOMERIO: STREAM_MAX_BYTES unlimited → 100B\napplied\n" {
		t.Errorf("with --less: %q", out)
	}
	if out := s.ok("stream", "apply", "--stream-max-bytes", "100B", "--less"); out != "nothing to change\n" {
		t.Errorf("again: %q", out)
	}
	out, errs, code = s.run("stream", "apply", "--dedup-window", "800h")
	if code != 0 || !strings.Contains(out, "CUSTOMERIO: STREAM_MAX_BYTES 100B → unlimited\nCUSTOMERIO: DEDUP_WINDOW 2h → 720h\napplied\n") || !strings.Contains(errs, "DEDUP_WINDOW is longer than STREAM_MAX_AGE") {
		t.Errorf("a long window: exit code %d, %q, %q", code, out, errs)
	}
	s.wrong(`invalid --dedup-window "1ns": want at least 100ms`, "stream", "apply", "--dedup-window", "1ns")
	s.wrong(`invalid --stream-max-age "1ms": want at least 100ms`, "stream", "apply", "--stream-max-age", "1ms")
}
