package operate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01T15:04:05Z":      time.Date(2026, 11, 1, 15, 4, 5, 0, time.UTC),
		"2026-11-01T15:04:05.5Z":    time.Date(2026, 11, 1, 15, 4, 5, 5e8, time.UTC),
		"2026-11-01T15:04:05+02:00": time.Date(2026, 11, 1, 13, 4, 5, 0, time.UTC),
		"-24h":                      now.Add(-24 * time.Hour),
		"90m":                       now.Add(-90 * time.Minute),
		"-7d":                       now.Add(-7 * 24 * time.Hour),
	} {
		if got, err := operate.ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "--24h", "-", "d", "-1.5d", "+5h", "99999d", "2026-13-01", "24"} {
		if got, err := operate.ParseTime(text, now); err == nil {
			t.Errorf("ParseTime(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseFilter(t *testing.T) {
	t.Parallel()
	got, err := operate.ParseFilter([]string{"metric=Opened", " metric=clicked", "workspace=Acme", "object_type=email"})
	want := operate.Filter{Workspaces: []string{"Acme"}, ObjectTypes: []string{"email"}, Metrics: []string{"opened", "clicked"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("filter (-want +got), %v:\n%s", err, diff)
	}
	for _, pair := range []string{"metric", "metric=", "campaign=1", ""} {
		if f, err := operate.ParseFilter([]string{pair}); err == nil {
			t.Errorf("%q is read as %v", pair, f)
		}
	}
	if !got.Narrow([]string{"opened", "bounced"}) || !cmp.Equal(got.Metrics, []string{"opened"}) {
		t.Errorf("narrowed to %v, want opened", got.Metrics)
	}
	if got.Narrow([]string{"bounced"}) {
		t.Errorf("narrowed to %v, want nothing", got.Metrics)
	}
	all := operate.Filter{}
	if !all.Narrow([]string{"bounced"}) || !cmp.Equal(all.Metrics, []string{"bounced"}) {
		t.Errorf("all is narrowed to %v", all.Metrics)
	}
}

func TestDeadFilter(t *testing.T) {
	t.Parallel()
	b := &event.StoredDeadLetter{
		DeadLetter: event.DeadLetter{
			Message: event.Message{Workspace: "acme", Metric: "bounced"},
			From:    "suppression", Reason: "rejected", Subject: "customerio.events.acme.email.bounced", DiedAt: now,
		},
		Entries: []uint64{7, 8},
	}
	for name, tt := range map[string]struct {
		f    operate.DeadFilter
		want bool
	}{
		"all":             {operate.DeadFilter{}, true},
		"from":            {operate.DeadFilter{From: "suppression", Reason: "rejected"}, true},
		"other from":      {operate.DeadFilter{From: "warehouse"}, false},
		"other reason":    {operate.DeadFilter{Reason: "panic"}, false},
		"workspace":       {operate.DeadFilter{Workspace: "acme", Metric: "bounced"}, true},
		"other workspace": {operate.DeadFilter{Workspace: "globex"}, false},
		"other metric":    {operate.DeadFilter{Metric: "opened"}, false},
		"since then":      {operate.DeadFilter{Since: now}, true},
		"since later":     {operate.DeadFilter{Since: now.Add(1)}, false},
		"until then":      {operate.DeadFilter{Until: now}, false},
		"until later":     {operate.DeadFilter{Until: now.Add(1)}, true},
		"entry":           {operate.DeadFilter{Entries: []uint64{1, 8}}, true},
		"other entry":     {operate.DeadFilter{Entries: []uint64{1, 9}}, false},
		"subject":         {operate.DeadFilter{Subject: "customerio.events.acme.email.bounced"}, true},
		"any type":        {operate.DeadFilter{Subject: "customerio.*.acme.*.bounced"}, true},
		"any rest":        {operate.DeadFilter{Subject: "customerio.events.>"}, true},
		"too short":       {operate.DeadFilter{Subject: "customerio.events.acme.email"}, false},
		"too long":        {operate.DeadFilter{Subject: "customerio.events.acme.email.bounced.x"}, false},
		"no rest":         {operate.DeadFilter{Subject: "customerio.events.acme.email.bounced.>"}, false},
		"other subject":   {operate.DeadFilter{Subject: "customerio.redrive.>"}, false},
	} {
		if got := tt.f.Match(b); got != tt.want {
			t.Errorf("%s: Match is %v", name, got)
		}
		if empty := tt.f.Empty(); empty != (name == "all") {
			t.Errorf("%s: Empty is %v", name, empty)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		total, remaining uint64
		took             time.Duration
		want             operate.Progress
	}{
		"begin":       {1000, 1000, 0, operate.Progress{Total: 1000, Remaining: 1000}},
		"nothing yet": {1000, 1000, time.Second, operate.Progress{Total: 1000, Remaining: 1000}},
		"a quarter":   {1000, 750, 10 * time.Second, operate.Progress{Total: 1000, Remaining: 750, Percent: 25, Rate: 25, ETA: 30 * time.Second}},
		"almost":      {100_000, 1, time.Second, operate.Progress{Total: 100_000, Remaining: 1, Percent: 99.9, Rate: 99_999}},
		"done":        {1000, 0, 10 * time.Second, operate.Progress{Total: 1000, Percent: 100, Rate: 100}},
		"more left":   {10, 12, time.Second, operate.Progress{Total: 10, Remaining: 10}},
	} {
		if diff := cmp.Diff(tt.want, operate.NewProgress(tt.total, tt.remaining, tt.took)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
