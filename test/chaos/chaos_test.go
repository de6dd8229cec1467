package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// TestMain lets the test binary be a NATS server of the cluster.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == lab.NATSRole {
		_ = lab.RunNATS(context.Background(), os.Args[2:]) // The test kills the server.
		return
	}
	os.Exit(m.Run())
}

// The short form of "make chaos".
func TestChaos(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the run takes a minute")
	}
	r, err := Run(t.Context(), Config{Seed: 1, Duration: 12 * time.Second, Rate: 150, Dir: t.TempDir()})
	if r != nil {
		r.print(t.Output())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := r.broken(); err != nil {
		t.Error(err)
	}
	if len(r.Faults) < 3 {
		t.Errorf("faults are %v, want at least 3", r.Faults)
	}
}

// Every promise is checked: each change of a good report breaks a promise.
func TestBroken(t *testing.T) {
	t.Parallel()
	good := Report{Events: 5, Accepted: 5, Penalties: map[string]int{"kill of ingest": 3}}
	if err := good.broken(); err != nil {
		t.Fatalf("a good report: %v", err)
	}
	for name, change := range map[string]func(*Report){
		"not accepted":    func(r *Report) { r.Accepted = 4 },
		"lost in NATS":    func(r *Report) { r.Stream.Lost = 1 },
		"lost":            func(r *Report) { r.BigQuery.Lost = 1 },
		"double":          func(r *Report) { r.DuckDB.Repeated = 1 },
		"never sent":      func(r *Report) { r.DuckDB.Strangers = 1 },
		"odd body lost":   func(r *Report) { r.OddLost = 1 },
		"dead letter":     func(r *Report) { r.Dead = 1 },
		"held, no limit":  func(r *Report) { r.Held = 1 },
		"limit exceeded":  func(r *Report) { r.Limit, r.Bounced, r.BouncedGone, r.Held = 1, 2, 2, 1 },
		"nothing held":    func(r *Report) { r.Limit, r.Bounced = 1, 2 },
		"suppress again":  func(r *Report) { r.Again = 1 },
		"profile":         func(r *Report) { r.Profiles = "wrong" },
		"restart penalty": func(r *Report) { r.Penalties = map[string]int{"full disk and restart of ingest": 1} },
		"no recovery":     func(r *Report) { r.Failed = []string{"password of ingest"} },
		"goroutines":      func(r *Report) { r.Goroutines = allowance + 1 },
		"files":           func(r *Report) { r.Files = allowance + 1 },
	} {
		r := good
		change(&r)
		if r.broken() == nil {
			t.Errorf("%s: broken() returns nil", name)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	sent := map[string]bool{"a": true, "b": true, "c": true, "d": true}
	got := count([]string{"a", "b", "b", "x"}, sent, map[string]bool{"c": true})
	if want := (Found{Rows: 4, Events: 3, Repeated: 1, Lost: 1, Strangers: 1}); got != want {
		t.Errorf("found %+v, want %+v", got, want)
	}
}

// A run that came to no report is a line of the table, too.
func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table(&out, []row{
		{seed: 31, report: &Report{Answers: map[string]int{"200": 7}, Penalties: map[string]int{killOfIngest: 2, "slow network": 1}}},
		{seed: 32, err: errors.New("the streams do not exist")},
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !slices.Equal(strings.Fields(lines[1]), []string{"31", "0", "0", "7", "0", "3", "1", "0", "0", "0", "0.0s", "yes"}) || !strings.HasSuffix(strings.TrimSpace(lines[2]), "NO") {
		t.Errorf("table is\n%s", out.String())
	}
}
