package main

import (
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// status shows the last calls, the workers, what a worker cannot reach, and that workers
// differ in their policy.
func TestStatusOfWorkers(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.about("acme", "1", "sent", "ann", "")
	if out := s.ok("status"); !strings.Contains(out, "no worker has reported itself") {
		t.Errorf("status without workers:\n%s", out)
	}
	if _, err := s.conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC()
	policy := operate.WorkspacePolicy{Workspace: "acme", SuppressionMode: "suppress", SuppressionLimit: 1000, Effects: "built-in"}
	other := policy
	other.SuppressionMode = "unsubscribe"
	for _, h := range []operate.Heartbeat{
		{Worker: "w1", Version: "v1", StartedAt: at, At: at, Policies: []operate.WorkspacePolicy{policy}, Track: []operate.Part{{Name: "acme", State: operate.PartOK}}},
		{Worker: "w2", Version: "v1", StartedAt: at, At: at, Policies: []operate.WorkspacePolicy{policy}, NotReady: "no permission"},
		{
			Worker: "w3", Version: "v2", StartedAt: at.Add(time.Second), At: at, Policies: []operate.WorkspacePolicy{other},
			Track:      []operate.Part{{Name: "acme", State: operate.PartDown, Reason: "calls are suspended", Since: at}},
			Warehouses: []operate.Part{{Name: "warehouse", Place: "duckdb h:/e", State: operate.PartStarting, Since: at}},
			Consumers:  []stream.SeenConsumer{{Name: "suppression-acme"}, {Name: "warehouse"}},
		},
	} {
		if err := operate.SendHeartbeat(t.Context(), s.conn, &h); err != nil {
			t.Fatal(err)
		}
	}
	out := s.ok("status")
	for _, want := range []string{"LAST CALL\n", "\nacme ", "w1 ", "suppression-acme, warehouse", "no permission", "down: calls are suspended", "warehouse of warehouse", "starting"} {
		if !strings.Contains(out, want) {
			t.Errorf("status lacks %q:\n%s", want, out)
		}
	}
	_, policies, _ := strings.Cut(out, "POLICY OF")
	if n := strings.Count(policies, "1000"); n != 2 {
		t.Errorf("%d lines of policies, want each once:\n%s", n, out)
	}
	got := read[statusOutput](s, "status")
	if len(got.Workers) != 3 || got.Workers[2].Worker != "w3" || len(got.LastCalls) != 1 || got.Stream.Messages != 1 {
		t.Errorf("status: %+v", got)
	}
}
