package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// names sync and warehouse settings work beside a running worker, which hands over its
// DuckDB file.
func TestNamesSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, dir)
	stack.App.SeedSources(
		customeriotest.Source{Kind: "campaign", ID: 7, Name: "Onboarding", Actions: []customeriotest.Action{{ID: 71, Type: "email", Name: "Welcome"}}},
		customeriotest.Source{Kind: "transactional", ID: 3, Name: "Receipt"})
	file := filepath.Join(dir, "customerio.duckdb")
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "CUSTOMERIO_APP_API_KEY": "app-key", "WAREHOUSE_URL": "duckdb:" + file,
	}}
	s.ok("warehouse", "migrate") // the worker may not have created the file yet
	count := func(source string, added, unchanged int) namesCount {
		return namesCount{Warehouse: "duckdb:" + file, Source: source, New: added, Unchanged: unchanged}
	}
	for _, args := range [][]string{{"names", "sync", "--dry-run"}, {"names", "sync"}} {
		want := []namesCount{count("campaign", 2, 0), count("broadcast", 0, 0), count("newsletter", 0, 0), count("transactional", 1, 0)}
		if diff := cmp.Diff(want, read[[]namesCount](s, args...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
	if out := s.ok("names", "sync"); !strings.Contains(out, "campaign       0    0        2") {
		t.Errorf("a second sync shows\n%s", out)
	}
	if out := s.ok("query", "SELECT name FROM customerio_names WHERE source = 'campaign' AND action_id = 71"); !strings.Contains(out, "Welcome") {
		t.Errorf("the table has\n%s", out)
	}

	if out := s.ok("warehouse", "settings"); !strings.Contains(out, "  UTC\n") {
		t.Errorf("the settings are\n%s", out)
	}
	if got := read[[]warehouseSettings](s, "warehouse", "settings", "--timezone", "America/New_York"); len(got) != 1 || got[0].Timezone != "America/New_York" {
		t.Errorf("the settings are %v", got)
	}
	if out := s.ok("query", "SELECT timezone FROM customerio_settings"); !strings.Contains(out, "America/New_York") {
		t.Errorf("the table has\n%s", out)
	}
	for _, zone := range []string{"New York", "Local", "UTC'; DROP TABLE x"} {
		s.wrong("want an IANA name such as America/New_York or UTC", "warehouse", "settings", "--timezone", zone)
	}
}

// A mistake says what to do: a missing key, a missing warehouse, and a file that another
// process keeps.
func TestNamesSyncMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, filepath.Join(dir, "data"))
	file := filepath.Join(dir, "other.duckdb")
	s := &shell{t: t, env: map[string]string{"CUSTOMERIO_APP_URL": stack.FakeURL(), "WAREHOUSE_URL": "duckdb:" + file}}
	s.wrong("CUSTOMERIO_APP_API_KEY: is required: create a key in Customer.io", "names", "sync")
	s.env["CUSTOMERIO_APP_API_KEY"] = "app-key"
	if _, errs, code := s.run("names", "sync"); code != 1 || !strings.Contains(errs, "other.duckdb does not exist: a worker creates the warehouse when it starts") {
		t.Errorf("missing warehouse: exit code %d, %s", code, errs)
	}
	s.ok("warehouse", "migrate")
	lease, err := os.OpenFile(file+".lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Close()
	if err := syscall.Flock(int(lease.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"names", "sync"}, {"warehouse", "settings"}} {
		if _, errs, code := s.run(append(args, "--wait", "100ms")...); code != 1 || !strings.Contains(errs, "file is locked by") || !strings.Contains(errs, "not free within --wait 100ms") {
			t.Errorf("%v of a locked file: exit code %d, %s", args, code, errs)
		}
	}
}
