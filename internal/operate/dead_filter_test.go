package operate_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
)

func TestDeadFilter(t *testing.T) {
	t.Parallel()
	b := &event.StoredDeadLetter{
		DeadLetter: event.DeadLetter{
			Message: event.Message{Workspace: "acme", Metric: "bounced"},
			From:    "suppression", Reason: "rejected", Subject: "customerio.events.acme.email.bounced", DiedAt: now, Err: "400: no such person",
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
		"text":            {operate.DeadFilter{Text: "NO SUCH"}, true},
		"other text":      {operate.DeadFilter{Text: "timeout"}, false},
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

func TestDeadFilterCheck(t *testing.T) {
	t.Parallel()
	if err := (&operate.DeadFilter{Reason: "rejected"}).Check(); err != nil {
		t.Errorf("a known reason: %v", err)
	}
	if err := (&operate.DeadFilter{Reason: "bad"}).Check(); err == nil {
		t.Error("an unknown reason passes")
	}
}
