package worker_test

import (
	"bytes"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/worker"
)

// A dry run logs one line for each call and dead-letters the same events as Effects.
func TestLogOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := &worker.LogOnly{Plan: effect.Policy{}.Suppression, Workspace: "acme", Log: zerolog.New(&log)}
	batch := attempts(emailEvent("spammed", "joe", occurred), []byte(`{`), emailEvent("spammed", "sue", occurred))
	batch[0].ID = "spam-1"
	batch[2].Workspace = "globex"
	errs, whole := handled(t, h, batch)
	for i, want := range []fault.Reason{"", fault.ReasonNotJSON, fault.ReasonUnknownWorkspace} {
		if reasonOf(errs[i]) != want {
			t.Errorf("message %d: error %v, want reason %q", i, errs[i], want)
		}
	}
	want := `{"level":"info","event_id":"spam-1","call":"identify","attributes":["spam_complaint","spam_complaint_at"],"message":"effect not performed: EFFECTS_DRY_RUN"}
{"level":"info","event_id":"spam-1","call":"suppress","attributes":[],"message":"effect not performed: EFFECTS_DRY_RUN"}
`
	if log.String() != want || whole != nil {
		t.Errorf("error %v, log\n%s\nwant\n%s", whole, &log, want)
	}
}
