package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
)

// A program that reads a list finds a list, also an empty one. These members are no lists.
func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	single := regexp.MustCompile(`"(last_ack|paused_until|newest_event_at)": null`)
	s, dir := newShell(t), t.TempDir()
	policy, url := filepath.Join(dir, "privacy.yaml"), "duckdb:"+filepath.Join(dir, "e.duckdb")
	if err := os.WriteFile(policy, []byte("version: 1\nkey: {id: k1, env: PRIVACY_KEY}\npayload: drop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, url, nil)
	s.env = map[string]string{"PRIVACY_KEY": strings.Repeat("k", 32), "WAREHOUSE_URL": url, "PRIVACY_FILE": policy}
	check := func(args ...string) {
		t.Helper()
		out := s.ok(append(args, "--output", "json")...)
		if out == "" || strings.Contains(single.ReplaceAllString(out, ""), "null") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
	for _, args := range [][]string{
		{"person", "list-erased"},
		{"person", "find", "--id", "nobody"},
		{"person", "erase", "--id", "nobody"},
		{"person", "erase", "--id", "nobody", "--yes"},
		{"person", "forget-erasure", "--id", "nobody", "--yes"},
		{"person", "list-erased"}, // the bucket exists and is empty
		{"dead", "list"},
		{"dead", "redrive", "--all"},
		{"replay", "list"},
		{"consumer", "list"},
		{"status"},
		{"report"},
		{"query", "SELECT 1 WHERE FALSE"},
		{"warehouse", "privacy", "check"},
		{"warehouse", "privacy", "apply", "--yes"},
		{"warehouse", "settings"},
		{"warehouse", "rollup"},
		{"warehouse", "compact"},
	} {
		check(args...)
	}
	if _, err := s.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	check("consumer", "list") // of a consumer without filters
	check("status")
	out, errs, code := s.runIn(t.Context(), strings.NewReader(`{"event_id":"x","metric":"drafted"}`), "effects", "test", "--output", "json")
	if code != 0 || strings.Contains(out, "null") {
		t.Errorf("effects test: code %d\n%s%s", code, out, errs)
	}
}
