package workerapp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// deadLetters returns the stored dead letters.
func (s *scene) deadLetters() (list []*event.StoredDeadLetter) {
	s.t.Helper()
	err := s.conn.ListDeadLetters(s.t.Context(), stream.DeadSelection{}, func(b *event.StoredDeadLetter) bool {
		list = append(list, b)
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// replay replays all events and waits for the end of the replay.
func (s *scene) replay(target string) {
	s.t.Helper()
	r, err := s.conn.StartReplay(s.t.Context(), stream.ReplayRequest{Target: target})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, now, err := s.conn.Remaining(ctx, r.ID)
		if errors.Is(err, stream.ErrNoReplay) || err == nil && now.Done {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("the replay does not end: %v", err)
		}
	}
}

// A message that fails again in a replay leaves a new dead letter, although the first
// was deleted only a moment ago.
func TestDeadAgainInAReplay(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]string{"CUSTOMERIO_SITE_ID": "s", "CUSTOMERIO_TRACK_API_KEY": "k"})
	s.handle("nobodys", spammed)
	first := s.deadLetters()
	if len(first) != 1 {
		t.Fatalf("%d dead letters, want 1", len(first))
	}
	if err := s.conn.DeleteDeadLetter(t.Context(), first[0].Entries); err != nil {
		t.Fatal(err)
	}
	s.replay("suppression")
	again := s.deadLetters()
	if len(again) != 1 || again[0].From != "suppression" || again[0].Sequence != first[0].Sequence {
		t.Errorf("dead letters after the replay: %+v", again)
	}
}
