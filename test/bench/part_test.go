package main

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/test/lab"
)

func TestPartHelp(t *testing.T) {
	t.Parallel()
	for name := range parts {
		for _, help := range []string{"-h", "--help"} {
			var out strings.Builder
			m, err := parsePart(&out, name, []string{help})
			if m != nil || !errors.Is(err, flag.ErrHelp) || !strings.HasPrefix(out.String(), name+" ") || !strings.Contains(out.String(), "go run ./test/bench "+name) {
				t.Errorf("%s %s: %v\n%s", name, help, err, out.String())
			}
		}
	}
}

// TestWrongUsage asks for measurements that do not exist: nothing is measured, and the error
// says which exist.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"nosuch":                        "effects",
		"--pairs 3":                     "effects",
		"all ingest":                    "no arguments",
		"ingest /no/such/ingest":        "executable",
		"ingest --nosuch":               "--help",
		"ingest a b":                    "one executable",
		"warehouses nosuch":             "parquet",
		"warehouses --pairs 0":          "--pairs",
		"warehouses --pairs -1":         "--pairs",
		"warehouses --events 0":         "--events",
		"warehouses --events x":         "events",
		"warehouses --against /no/such": "executable",
		"warehouses duckdb --pairs 3":   "flags first",
		"replay 5":                      "no arguments",
		"effects nosuch":                "drain, fold, busy",
		"effects burst nosuch":          "drain, fold, busy",
		"outages nosuch":                "visible, bigquery, track, kill",
		"growth 0 5":                    "no arguments",
		"growth --rows 5,0":             "from small to large",
		"growth --rows 5,5":             "from small to large",
		"growth --messages -1":          "millions",
		"growth --messages x":           "millions",
		"growth --rows none,5":          "millions",
		"streams 3":                     "no arguments",
		"soak 5":                        "no arguments",
		"soak --duration 1s":            "10s",
		"soak --rate 0":                 "above 0",
	} {
		fields := strings.Fields(args)
		m, err := parsePart(t.Output(), fields[0], fields[1:])
		if m != nil || !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", args, err, want)
		}
	}
	if got := exitCode(errUsage); got != 2 {
		t.Errorf("exit code %d, want 2", got)
	}
}

func TestRightUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"all", "ingest", "ingest " + os.Args[0], "warehouses --events 1 --pairs 1 --unjudged --against " + os.Args[0] + " duckdb parquet",
		"replay", "effects", "effects drain large", "outages", "outages kill", "growth", "growth --rows none --messages 0,1", "streams", "soak --duration 10s",
	} {
		fields := strings.Fields(args)
		if m, err := parsePart(t.Output(), fields[0], fields[1:]); m == nil || err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// TestRoleByHand starts roles of the bench from a process that is not the bench.
func TestRoleByHand(t *testing.T) {
	t.Parallel()
	needsProc(t)
	for _, role := range []string{lab.NATSRole, baselineRole, bigQueryRole, coresRole, fillRole, drainRole, growthRole} {
		ok, err := runRole(t.Context(), role, nil)
		if !ok || err == nil || !strings.Contains(err.Error(), "starts by itself") {
			t.Errorf("%s: %v, %v; want that the bench starts the role", role, ok, err)
		}
	}
}
