package main

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// completes returns the words after the Tab key. The scripts of cobra filter by prefix.
func (s *shell) completes(args ...string) string {
	s.t.Helper()
	words, _, _ := strings.Cut(s.ok(append([]string{"__complete"}, args...)...), ":4\n")
	prefix := args[len(args)-1]
	return strings.Join(slices.DeleteFunc(strings.Fields(words), func(w string) bool { return !strings.HasPrefix(w, prefix) }), " ")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.publish("a", "bounced")
	s.consumer("suppression", stream.Select(nil, nil, []string{"bounced"})...)
	s.consumer("warehouse", stream.AllEvents)
	replay := read[stream.Replay](s, "replay", "start", "--to", "warehouse")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"send", "email_bounced_"}, "email_bounced_hard email_bounced_soft"},
		{[]string{"send", "email_bounced_hard", "email_bounced_"}, "email_bounced_soft"},
		{[]string{"dead", "list", "--reason", "held"}, "held_suppression"},
		{[]string{"dead", "list", "--from", ""}, "suppression warehouse ingest"},
		{[]string{"dead", "redrive", "17", "--from", "s"}, "suppression"},
		{[]string{"consumer", "start", ""}, "suppression"},
		{[]string{"consumer", "start", "suppression", "--from", ""}, "now beginning"},
		{[]string{"replay", "start", "--to", ""}, "suppression warehouse"},
		{[]string{"replay", "cancel", ""}, replay.ID},
		{[]string{"replay", "cancel", replay.ID, ""}, ""},
		{[]string{"warehouse", "adopt", "--consumer", ""}, "suppression warehouse"},
		{[]string{"status", "--output", ""}, "table json"},
		{[]string{"query", "--output", ""}, "table json jsonl csv"},
		{[]string{"consumer", "start", "w"}, ""},
		{[]string{"effects", "test", "--mode", "u"}, "unsubscribe"},
		{[]string{"status", ""}, ""},
		{[]string{"completion", ""}, "bash fish powershell zsh"},
	} {
		if got := s.completes(tt.args...); got != tt.want {
			t.Errorf("completes %q to %q, want %q", tt.args, got, tt.want)
		}
	}
	if help := s.ok("--help"); !strings.Contains(help, "  completion ") {
		t.Errorf("the help does not show completion:\n%s", help)
	}
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		if script := s.ok("completion", shell); !strings.Contains(script, "__complete") {
			t.Errorf("%s: %.100s", shell, script)
		}
	}
}

// Completion of names is silent and quick without NATS: stopped, or silent.
func TestCompletionWithoutNATS(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, url := range []string{"nats://127.0.0.1:1", "nats://" + silent.Addr().String(), "nonsense://"} {
		s := &shell{t: t, url: url}
		start := time.Now()
		if got := s.completes("replay", "cancel", ""); got != "" {
			t.Errorf("%s: %q", url, got)
		}
		if took := time.Since(start); took > completeWait+time.Second {
			t.Errorf("%s: completion takes %v", url, took)
		}
	}
}
