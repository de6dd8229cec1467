package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		total, remaining uint64
		took             time.Duration
		want             operate.Progress
	}{
		"begin":       {1000, 1000, 0, operate.Progress{Remaining: 1000}},
		"nothing yet": {1000, 1000, time.Second, operate.Progress{Remaining: 1000}},
		"a quarter":   {1000, 750, 10 * time.Second, operate.Progress{Remaining: 750, Percent: 25, Rate: 25, ETA: 30}},
		"almost":      {100_000, 1, time.Second, operate.Progress{Remaining: 1, Percent: 99.9, Rate: 99_999}},
		"done":        {1000, 0, 10 * time.Second, operate.Progress{Percent: 100, Rate: 100}},
		"more left":   {10, 12, time.Second, operate.Progress{Remaining: 10}},
	} {
		if diff := cmp.Diff(tt.want, operate.NewProgress(tt.total, tt.remaining, tt.took)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReplays(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	request := stream.ReplayRequest{Target: "warehouse"}
	if _, _, err := operate.StartReplay(t.Context(), p.conn, request); !errors.Is(err, stream.ErrNothingToReplay) {
		t.Errorf("replay of an empty stream: %v", err)
	}
	p.publish("a", "opened")
	first, hasConsumer, err := operate.StartReplay(t.Context(), p.conn, request)
	if err != nil || hasConsumer || first.Total != 1 {
		t.Fatalf("start: %+v, consumer exists: %v, %v", first, hasConsumer, err)
	}
	p.consumer("warehouse")
	second, hasConsumer, err := operate.StartReplay(t.Context(), p.conn, request)
	if err != nil || !hasConsumer {
		t.Fatalf("start with a consumer: consumer exists: %v, %v", hasConsumer, err)
	}
	p.serve(second)
	list, err := operate.ListReplays(t.Context(), p.conn)
	if err != nil || len(list) != 2 {
		t.Fatalf("list: %+v, %v", list, err)
	}
	states := map[string]string{list[0].ID: list[0].State, list[1].ID: list[1].State}
	if want := map[string]string{first.ID: "waiting", second.ID: "done"}; !cmp.Equal(want, states) {
		t.Errorf("states are %v, want %v", states, want)
	}
}

func TestFollowReplay(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "opened")
	start := func() *stream.Replay {
		r, _, err := operate.StartReplay(t.Context(), p.conn, stream.ReplayRequest{Target: "warehouse"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, looks := start(), []uint64{}
	err := operate.FollowReplay(t.Context(), p.conn, r, func(handled uint64, begun bool) {
		if looks = append(looks, handled); begun != (handled > 0) {
			t.Errorf("after %d events a worker has begun: %v", handled, begun)
		}
		if len(looks) == 1 {
			p.serve(r)
		}
	})
	if diff := cmp.Diff([]uint64{0, 1}, looks); err != nil || diff != "" {
		t.Errorf("follow: %v; handled (-want +got):\n%s", err, diff)
	}

	r = start()
	err = operate.FollowReplay(t.Context(), p.conn, r, func(uint64, bool) {
		if err := p.conn.DeleteReplay(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "somebody else has cancelled it") {
		t.Errorf("follow a cancelled replay: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	err = operate.FollowReplay(ctx, p.conn, start(), func(uint64, bool) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("follow until ctx ends: %v", err)
	}
}

// Nobody can finish a replay of a stream that is gone.
func TestFollowReplayOfADeletedStream(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.publish("a", "opened")
	r, _, err := operate.StartReplay(t.Context(), p.conn, stream.ReplayRequest{Target: "warehouse"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = operate.FollowReplay(ctx, p.conn, r, func(uint64, bool) { p.srv.DeleteStream(stream.Name) })
	if !errors.Is(err, stream.ErrNoStream) || !strings.Contains(err.Error(), "stream CUSTOMERIO is not there") {
		t.Errorf("FollowReplay = %v", err)
	}
}

// Tail ends when the stream that it follows is deleted, even if somebody creates the
// stream again at once.
func TestTailOfADeletedStream(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(*pipeline){
		"deleted": func(*pipeline) {},
		"recreated": func(p *pipeline) {
			if _, err := p.conn.Ensure(p.t.Context(), stream.Settings{}); err != nil {
				p.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline(t)
			p.publish("a", "opened")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := operate.TailEvents(ctx, p.conn, &operate.EventFilter{}, time.Now().Add(-time.Hour), func(event.Attempt) bool {
				time.AfterFunc(500*time.Millisecond, func() { // tail has looked at the stream
					p.srv.DeleteStream(stream.Name)
					after(p)
				})
				return true
			})
			if !errors.Is(err, stream.ErrNoStream) {
				t.Errorf("TailEvents = %v", err)
			}
		})
	}
}

// serve handles the first event of a replay, as a worker does.
func (p *pipeline) serve(r *stream.Replay) {
	p.t.Helper()
	source, err := p.conn.OpenReplay(p.t.Context(), r)
	if err != nil {
		p.t.Fatal(err)
	}
	attempts, err := source.Fetch(p.t.Context(), event.Limits{Messages: 1})
	if err != nil || len(attempts) != 1 {
		p.t.Fatalf("fetch: %d events, %v", len(attempts), err)
	}
	if err := attempts[0].Settle.AckSync(); err != nil {
		p.t.Fatal(err)
	}
}
