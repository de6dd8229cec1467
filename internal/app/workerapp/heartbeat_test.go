package workerapp_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
)

// workers returns the heartbeats.
func (s *outage) workers() []operate.Heartbeat {
	s.t.Helper()
	list, err := operate.Workers(s.t.Context(), s.conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// A worker reports its consumers, its policies, and what it cannot reach with the reason.
// When it stops, the heartbeat goes with it.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	missing := filepath.Join(t.TempDir(), "file")
	s.env["WORKER_CONSUMERS"] = "suppression,engagement,warehouse"
	s.env["WAREHOUSE_URL"] = "duckdb:" + filepath.Join(write(t, "no folder"), "e.duckdb") + ",parquet:" + missing
	s.env["CUSTOMERIO_ACME_EFFECTS_FILE"], s.env["SUPPRESSION_LIMIT"] = write(t, smsRules), "7"
	s.beatEvery = 50 * time.Millisecond
	s.acme.Store(401)
	s.send("globex", "spammed", 0, 3)
	s.send("acme", "spammed", 0, 1)
	_, stop := s.launch()
	var h operate.Heartbeat
	s.eventually("the heartbeat is whole", func() bool {
		list := s.workers()
		if len(list) != 1 || len(list[0].Consumers) != 6 || list[0].Track[0].State == operate.PartOK || list[0].Warehouses[1].State != operate.PartOK {
			return false
		}
		h = list[0]
		return h.Warehouses[0].State == operate.PartDown
	})
	if h.Worker == "" || h.Version == "" || h.StartedAt.IsZero() || h.NotReady != "" || h.DryRun {
		t.Errorf("heartbeat %+v", h)
	}
	acme, globex := h.Track[0], h.Track[1]
	if acme.Name != "acme" || !strings.Contains(acme.Reason, "401") || acme.Since.After(h.At) || globex.State != operate.PartOK || globex.Reason != "" {
		t.Errorf("Track API %+v", h.Track)
	}
	if file := h.Warehouses[0]; file.Name != "warehouse" || !strings.Contains(file.Reason, "no folder") && !strings.Contains(file.Reason, "not a directory") || !strings.HasPrefix(file.Place, "duckdb ") {
		t.Errorf("warehouse %+v", file)
	}
	p := h.Policies
	if len(p) != 2 || p[1].Effects != "built-in" || p[1].EffectsSHA256 != "" || len(p[0].EffectsSHA256) != 64 || p[1].SuppressionMode != "suppress" || p[1].SuppressionLimit != 7 {
		t.Errorf("policies %+v", p)
	}
	s.acme.Store(0)
	s.eventually("the Track API works again", func() bool { return s.workers()[0].Track[0].State == operate.PartOK })
	s.eventually("the position is known", func() bool {
		for _, c := range s.workers()[0].Consumers {
			if c.Name == "suppression-globex" {
				return c.Settled == 3 && c.Lag == 0 && !c.SettledAt.IsZero() && c.OldestAt.IsZero()
			}
		}
		return false
	})
	if since := s.workers()[0].Track[0].Since; !since.After(acme.Since) {
		t.Errorf("down since %v, and well since %v", acme.Since, since)
	}
	stop()
	if list := s.workers(); len(list) != 0 {
		t.Errorf("after the end of the worker: %+v", list)
	}
}

// A worker whose NATS is away works on, and reports itself when NATS is back.
func TestHeartbeatAfterOutage(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	s.beatEvery = 50 * time.Millisecond
	_, stop := s.start()
	s.eventually("a heartbeat", func() bool { return len(s.workers()) == 1 })
	s.nats.Stop()
	s.nats.Restart()
	s.eventually("NATS is back", func() bool { _, err := operate.Workers(t.Context(), s.conn); return err == nil })
	before := time.Now()
	s.eventually("a new heartbeat", func() bool { list := s.workers(); return len(list) == 1 && list[0].At.After(before) })
	s.nats.Stop()
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("without NATS the worker stops after %v", took)
	}
}
