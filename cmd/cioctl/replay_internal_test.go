package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func TestReplayStartListCancel(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if out := s.ok("replay", "list"); out != "no replays\n" {
		t.Errorf("list without replays: %q", out)
	}
	if _, errs, code := s.run("replay", "start", "--to", "warehouse"); code != 1 || !strings.Contains(errs, "cioctl status") {
		t.Errorf("nothing to replay: exit code %d, %s", code, errs)
	}
	s.publish("a", "bounced")
	s.publish("b", "opened")
	s.publish("c", "sent")
	for _, tt := range []struct {
		args  []string
		total uint64
	}{
		{[]string{"--to", "warehouse"}, 3},
		{[]string{"--to", "warehouse-bigquery", "--since", "-1h", "--filter", "metric=bounced,metric=opened", "--filter", "workspace=acme"}, 2},
		{[]string{"--to", "suppression-acme"}, 3}, // the worker's rules decide which of the three matter
		{[]string{"--to", "engagement", "--filter", "object_type=email"}, 1},
	} {
		r := read[stream.Replay](s, append([]string{"replay", "start", "--yes"}, tt.args...)...)
		if r.Total != tt.total || r.Target != tt.args[1] {
			t.Errorf("start %v: %d events to %s, want %d", tt.args, r.Total, r.Target, tt.total)
		}
	}
	list := read[[]operate.ReplayStatus](s, "replay", "list")
	if len(list) != 4 || list[0].State != "waiting" || list[0].Remaining != 3 || list[0].Percent != 0 || list[1].Filter != "metric=bounced,metric=opened,workspace=acme" {
		t.Errorf("list: %+v", list)
	}
	if table := s.ok("replay", "list"); !strings.Contains(table, list[0].ID) || !strings.Contains(table, "0.0%") {
		t.Errorf("table:\n%s", table)
	}
	for i, l := range list {
		s.ok("replay", "cancel", map[bool]string{true: "replay-"}[i == 0]+l.ID)
	}
	if _, errs, code := s.run("replay", "cancel", list[0].ID); code != 1 || !strings.Contains(errs, "cioctl replay list") {
		t.Errorf("cancelled twice: exit code %d, %s", code, errs)
	}
	if list := read[[]operate.ReplayStatus](s, "replay", "list"); len(list) != 0 {
		t.Errorf("after all are cancelled: %+v", list)
	}
}

// internal/operate cannot import workerapp, so it repeats the names of consumers.
func TestReplayTargets(t *testing.T) {
	t.Parallel()
	for _, target := range []string{workerapp.Warehouse, workerapp.Suppression, workerapp.Engagement} {
		if _, err := (operate.ReplayOrder{Target: target}).Request(time.Now()); err != nil {
			t.Errorf("a replay to %s: %v", target, err)
		}
	}
}

func TestReplayIsWronglyUsed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	start := func(args ...string) []string { return append([]string{"replay", "start"}, args...) }
	s.wrong("--to:", start()...)
	s.wrong("--to:", start("--to", "e mail")...)
	s.wrong("--since:", start("--to", "warehouse", "--since", "once")...)
	s.wrong("is not before the end of the period", start("--to", "warehouse", "--since", "-1h", "--until", "-2h")...)
	s.wrong("--filter:", start("--to", "warehouse", "--filter", "campaign=1")...)
	s.wrong("handles only opened", start("--to", "engagement", "--filter", "metric=bounced")...)
	s.wrong("of workspace acme only", start("--to", "suppression-acme", "--filter", "workspace=globex")...)
}

func TestReplayWait(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.publish("a", "opened")
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond) // longer than the start of cioctl
	defer cancel()
	out, errs, code := s.runIn(interrupted(ctx), strings.NewReader(""), "replay", "start", "--to", "warehouse", "--wait")
	list := read[[]operate.ReplayStatus](s, "replay", "list")
	if code != 0 || out != "" || len(list) != 1 || !strings.Contains(errs, "goes on") || !strings.Contains(errs, "cioctl replay cancel "+list[0].ID) {
		t.Fatalf("interrupted: exit code %d, %d replays\n%s%s", code, len(list), out, errs)
	}
	if !strings.Contains(errs, "no worker has ever had the consumer warehouse") {
		t.Errorf("no warning about a target without a consumer:\n%s", errs)
	}
	s.ok("replay", "cancel", list[0].ID)

	serve, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(serve)
	}()
	if out := s.ok("replay", "start", "--to", "warehouse", "--wait"); !strings.Contains(out, "is finished: 1 events to warehouse") {
		t.Errorf("finished: %s", out)
	}
	stop()
	<-done
}

// interrupted returns the context of a process that gets a signal when ctx ends.
func interrupted(ctx context.Context) context.Context {
	c, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, cancel)
	return c
}

// serve acknowledges the first event of the first replay, as a worker does.
func (s *shell) serve(ctx context.Context) {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		if list, err := s.conn.Replays(ctx); err == nil && len(list) > 0 {
			source, err := s.conn.OpenReplay(ctx, &list[0])
			if err != nil {
				s.t.Error(err)
				return
			}
			attempts, err := source.Fetch(ctx, event.Limits{Messages: 1})
			for i := range attempts {
				err = attempts[i].Settle.AckSync()
			}
			if err != nil {
				s.t.Error(err)
			}
			return
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
