package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// adopt shows both stores, asks, and says how to fill the new store.
func TestAdopt(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.publish("a", "sent")
	c, err := s.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents})
	if err != nil {
		t.Fatal(err)
	}
	s.settle(c)
	old := stream.Store{ID: "0123", Place: "duckdb pod-0:/data/e.duckdb\x1b[2J\u202e"} // by another program
	if err := s.conn.SetStore(t.Context(), "warehouse", old); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "new.duckdb")
	args := []string{"warehouse", "adopt", "--warehouse-url", "duckdb:" + path}

	if _, errs, code := s.run(args...); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("without a terminal: exit code %d\n%s", code, errs)
	}
	if _, errs, code := s.run(append(args, "--yes", "--consumer", "suppression")...); code != 2 || !strings.Contains(errs, "--consumer") {
		t.Errorf("another consumer: exit code %d\n%s", code, errs)
	}
	out, errs, code := s.run(append(args, "--yes")...)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	if controls(errs) || controls(s.ok("status")) {
		t.Errorf("control characters in %q", errs)
	}
	for _, want := range []string{"duckdb pod-0:/data/e.duckdb", "0123", path, "which does not exist: adopt creates it"} {
		if !strings.Contains(errs, want) {
			t.Errorf("before the change adopt does not show %q:\n%s", want, errs)
		}
	}
	if !strings.Contains(out, "cioctl replay start --to warehouse --wait") {
		t.Errorf("adopt does not say how to fill the store:\n%s", out)
	}
	status := s.ok("status")
	if !strings.Contains(status, path) || !strings.Contains(status, "was empty after event 1: fill it with cioctl replay start --to warehouse") {
		t.Errorf("the status does not show the store:\n%s", status)
	}
	if a := read[operate.Adoption](s, append(args, "--yes")...); a.Changes() {
		t.Errorf("a second adopt changes %+v", a)
	}
}

// settle acknowledges the next event and waits for the server.
func (s *shell) settle(c *stream.Consumer) {
	s.t.Helper()
	attempts, err := c.Fetch(s.t.Context(), event.Limits{Messages: 1})
	if err != nil || len(attempts) != 1 {
		s.t.Fatalf("fetched %d events, %v", len(attempts), err)
	}
	if err := attempts[0].Settle.Ack(); err != nil {
		s.t.Fatal(err)
	}
	for {
		if l, err := s.conn.StoreLink(s.t.Context(), "warehouse"); err != nil || l.Settled > 0 {
			return
		}
	}
}
