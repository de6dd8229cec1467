package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// about publishes an event about a person.
func (s *shell) about(workspace, id, metric, person, failure string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"event_id":%q,"object_type":"email","metric":%q,"timestamp":1755600006,"data":{"identifiers":{"cio_id":%q},"failure_message":%q}}`, id, metric, person, failure)
	m := &event.Message{Workspace: workspace, ID: id, ObjectType: "email", Metric: metric, ReceivedAt: time.Now(), Body: []byte(body)}
	if _, err := s.pub.Publish(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
}

// history publishes seven events: three people with complaints and hard bounces, a
// soft bounce, an open and an event without effects.
func (s *shell) history() {
	s.t.Helper()
	s.about("default", "1", "spammed", "ann", "")
	s.about("default", "2", "bounced", "bob", "550 5.1.1 user unknown")
	s.about("default", "3", "spammed", "ann", "")
	s.about("acme", "4", "spammed", "ann", "") // the ann of another workspace
	s.about("default", "5", "bounced", "cid", "452 4.2.2 mailbox full")
	s.about("default", "6", "opened", "dan", "")
	s.about("default", "7", "sent", "eve", "")
}

// A replay to effects shows what it covers, and asks.
func TestReplayPreview(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.history()
	for target, want := range map[string]operate.Preview{
		"suppression":      {Events: 7, Read: 7, Acting: 5, People: 4, Suppressions: 3},
		"suppression-acme": {Events: 1, Read: 1, Acting: 1, People: 1, Suppressions: 1},
		"engagement":       {Events: 1, Read: 1, Acting: 1, People: 1},
	} {
		got := read[operate.Preview](s, "replay", "start", "--to", target, "--dry-run")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
	s.wrong("--dry-run", "replay", "start", "--to", "suppression")
	s.wrong("--yes", "replay", "start", "--to", "engagement")
	_, errs, code := s.run("replay", "start", "--to", "suppression", "--yes", "--suppression-mode", "off")
	for _, want := range []string{"suppression handles 7 events again", "effect on 4 people", "suppresses nobody", "the built-in rules"} {
		if code != 0 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, without %q:\n%s", code, want, errs)
		}
	}
	if _, errs, code := s.run("replay", "start", "--to", "warehouse"); code != 0 || strings.Contains(errs, "people") {
		t.Errorf("a replay to a warehouse: exit code %d\n%s", code, errs)
	}
	if list := read[[]operate.ReplayStatus](s, "replay", "list"); len(list) != 2 {
		t.Errorf("%d replays, want 2", len(list))
	}
}

func TestReplayAsks(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.history()
	q := stream.ReplayRequest{Target: "suppression"}
	for answer, want := range map[string]error{"n\n": errNotConfirmed, "": errNotConfirmed, "y\n": nil} {
		var errs bytes.Buffer
		c := &cli{in: strings.NewReader(answer), out: &errs, err: &errs}
		done, err := c.announceReplay(t.Context(), s.conn, q, &consent{}, &output{})
		if done || !errors.Is(err, want) {
			t.Errorf("answer %q: %v, %v, want %v", answer, done, err, want)
		}
		for _, text := range []string{"SUPPRESSES 3 people", "DELETED for good", "Start the replay to suppression? [y/N]"} {
			if !strings.Contains(errs.String(), text) {
				t.Errorf("the preview lacks %q:\n%s", text, &errs)
			}
		}
	}
}

// A preview of a long history ends in time, and says that its numbers are lower bounds.
func TestPreviewIsBounded(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for i := range 1100 {
		s.about("default", fmt.Sprint(i), "spammed", fmt.Sprint(i), "")
	}
	r, err := s.conn.MeasureReplay(t.Context(), stream.ReplayRequest{Target: "suppression"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := operate.PreviewReplay(t.Context(), s.conn, r, effect.Policy{}, -time.Second, func(uint64) {})
	if err != nil || p.Complete() || p.Events != 1100 || p.Suppressions != 1024 {
		t.Fatalf("preview %+v, %v", p, err)
	}
	if text := strings.Join(previewLines("suppression", p, "rules"), "\n"); !strings.Contains(text, "SUPPRESSES at least 1024 people") || !strings.Contains(text, "lower bounds") {
		t.Errorf("the preview says\n%s", text)
	}
}

func TestConsumerStart(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.history()
	if _, errs, code := s.run("consumer", "start", "suppression", "--from", "now", "--yes"); code != 1 || !strings.Contains(errs, "CIOEVENTS_STATE is not there") {
		t.Errorf("without the bucket: exit code %d\n%s", code, errs)
	}
	isEffects := func(string) bool { return true }
	if err := s.conn.PrepareState(t.Context(), stream.Settings{}, nil, isEffects); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	d := s.conn.NewDurable(stream.DurableConfig{Name: "suppression", Subjects: stream.Select(nil, nil, []string{"spammed"}), KeepFloor: true, CheckEvery: 20 * time.Millisecond})
	go d.Run(ctx)
	handle := func(n int) {
		t.Helper()
		for got := 0; got < n; {
			attempts, err := d.Fetch(ctx, event.Limits{Messages: 1, Wait: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			for i := range attempts {
				got++
				if err := attempts[i].Settle.AckSync(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	handle(3)
	s.floorIs("suppression", 4)

	s.wrong("--yes", "consumer", "start", "suppression", "--from", "1")
	s.wrong("--from", "consumer", "start", "suppression")
	s.wrong("cioctl replay start", "consumer", "start", "warehouse", "--from", "1", "--yes")
	got := read[operate.ConsumerStart](s, "consumer", "start", "suppression", "--from", "2", "--dry-run")
	if want := (operate.ConsumerStart{Name: "suppression", After: 1, Floor: 4, Known: true}); !cmp.Equal(want, got) {
		t.Errorf("plan %+v, want %+v", got, want)
	}
	if got := read[operate.ConsumerStart](s, "consumer", "start", "suppression", "--from", "now", "--dry-run"); got.Skipped != 3 || got.After != 7 {
		t.Errorf("plan %+v, want 3 skipped", got)
	}
	_, errs, code := s.run("consumer", "start", "suppression", "--from", "2", "--yes")
	if code != 0 || !strings.Contains(errs, "SUPPRESSES 3 people") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	handle(2) // ann again, in both workspaces
	s.floorIs("suppression", 4)
}

func (s *shell) floorIs(name string, want uint64) {
	s.t.Helper()
	tick, deadline := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		got, err := s.conn.Floor(s.t.Context(), name)
		if err == nil && got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("floor %d, %v, want %d", got, err, want)
		}
	}
}
