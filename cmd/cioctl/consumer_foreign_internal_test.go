package main

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// An operator creates a consumer for a program, looks at it, has events sent to it again
// and deletes it.
func TestConsumerOfAnotherProgram(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.history()
	got := read[stream.ConsumerStatus](s, "consumer", "create", "slack", "--metric", "spammed", "--from", "beginning")
	if got.Lag != 3 || strings.Join(got.Filters, " ") != "customerio.events.*.*.spammed customerio.redrive.slack.>" {
		t.Errorf("created: %+v", got)
	}
	list := read[[]operate.ListedConsumer](s, "consumer", "list")
	if len(list) != 1 || !list[0].Foreign {
		t.Errorf("listed: %+v", list)
	}
	if r := read[stream.Replay](s, "replay", "start", "--to", "slack", "--filter", "workspace=default"); r.Total != 2 || !r.Done {
		t.Errorf("replay: %+v", r)
	}
	if status := read[stream.Status](s, "status"); len(status.Consumers) != 1 || status.Consumers[0].Lag != 5 {
		t.Errorf("status: %+v", status.Consumers)
	}
	for want, args := range map[string][]string{
		"cioctl consumer delete slack and create it again": {"consumer", "create", "slack"},
		"5 messages wait for slack; give --yes":            {"consumer", "delete", "slack"},
		"there is no consumer nobody":                      {"consumer", "delete", "nobody"},
		"there is no consumer crm":                         {"replay", "start", "--to", "crm"},
	} {
		if _, errs, code := s.run(args...); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("cioctl %q: exit code %d, want 1 with %q:\n%s", args, code, want, errs)
		}
	}
	s.wrong("is a name of the workers", "consumer", "delete", "warehouse")
	s.wrong("is a name of the workers", "consumer", "create", "suppression-acme")
	s.wrong("--from", "consumer", "create", "crm", "--from", "yesterday")
	s.wrong("--metric: is empty", "consumer", "create", "crm", "--metric", "")
	if _, errs, code := s.run("consumer", "delete", "slack", "--yes"); code != 0 {
		t.Errorf("delete: exit code %d: %s", code, errs)
	}
	if list := read[[]operate.ListedConsumer](s, "consumer", "list"); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}
