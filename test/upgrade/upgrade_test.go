package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

func pair(metric string) *call {
	c := call{id: "1", delivery: "d1", metric: metric}
	if metric == "spammed" {
		c.suppresses = "p"
	}
	return &c
}

// What is expected of two metrics with one event_id depends on who answered.
func TestLedgerOfTwoMetrics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second              bool // old ingests
		messages, events, suppress int
		refused                    int
	}{
		"both old":     {true, true, 1, 1, 0, 1},
		"old then new": {true, false, 2, 2, 1, 0},
		"new then old": {false, true, 2, 2, 1, 0},
		"both new":     {false, false, 2, 2, 1, 0},
	} {
		l := newLedger([]answer{{pair("sent"), c.first}, {pair("spammed"), c.second}})
		if len(l.messages) != c.messages || len(l.events) != c.events || l.suppressions["p"] != c.suppress || l.refused != c.refused {
			t.Errorf("%s: %d messages, %d events, %d suppressions, %d refused", name, len(l.messages), len(l.events), l.suppressions["p"], l.refused)
		}
	}
}

// A repeat counts once. Two versions store a repeat twice.
func TestLedgerOfRepeats(t *testing.T) {
	t.Parallel()
	c := pair("spammed")
	for name, want := range map[string]struct {
		second   bool
		messages int
	}{"one version": {true, 1}, "two versions": {false, 2}} {
		l := newLedger([]answer{{c, true}, {c, want.second}, {c, want.second}})
		if len(l.messages) != want.messages || len(l.events) != 1 || l.suppressions["p"] != want.messages || l.refused != 0 {
			t.Errorf("%s: ledger %+v", name, l)
		}
	}
}

// The campaign has every kind of call, and the model knows each of them.
func TestCampaign(t *testing.T) {
	t.Parallel()
	c := newCampaign(1, 2000)
	var answers []answer
	suppressions, noMetric := 0, 0
	for _, u := range c.units {
		for i := range u {
			answers = append(answers, answer{&u[i], false})
			if u[i].delivery == "" || len(u[i].body) == 0 {
				t.Fatalf("incomplete call %+v", u[i])
			}
			if u[i].metric == "" {
				noMetric++
			}
		}
	}
	l := newLedger(answers)
	for range l.suppressions {
		suppressions++
	}
	if sums := l.totals(); sums.Bounces == 0 || sums.Clicks == 0 || sums.Deliveries >= sums.Events || len(c.strangers) == 0 || suppressions <= len(c.strangers) || noMetric == 0 {
		t.Errorf("sums %+v, %d strangers, %d suppressions, %d without a metric", sums, len(c.strangers), suppressions, noMetric)
	}
	if len(l.messages) == len(answers) {
		t.Error("no call is a repeat")
	}
}

func good() *Report {
	l := newLedger([]answer{{pair("sent"), true}})
	view := shown{facts: map[key]int{{"d1", "sent"}: 1}, sums: l.totals()}
	w := Warehouse{Before: view, Live: view, After: view, Kept: view}
	return &Report{Before: l, Want: l, DuckDB: w, Parquet: w, BigQuery: w, Stored: 1, Handled: handled{1, 1}}
}

// Every promise is checked: each change of a good report breaks a promise.
func TestBroken(t *testing.T) {
	t.Parallel()
	if err := good().broken(); err != nil {
		t.Fatalf("a good report: %v", err)
	}
	for name, change := range map[string]func(*Report){
		"lost":           func(r *Report) { r.BigQuery.After = shown{} },
		"lost in upkeep": func(r *Report) { r.BigQuery.Kept = shown{} },
		"double":         func(r *Report) { r.BigQuery.After.facts = map[key]int{{"d1", "sent"}: 2} },
		"never sent":     func(r *Report) { r.DuckDB.After.facts = map[key]int{{"d1", "sent"}: 1, {"x", "sent"}: 1} },
		"lost before":    func(r *Report) { r.Parquet.Before.facts = nil },
		"sums":           func(r *Report) { r.Parquet.After.sums.Clicks++ },
		"sums before":    func(r *Report) { r.Parquet.Before.sums.Events++ },
		"sums in upkeep": func(r *Report) { r.Parquet.Kept.sums.Bounces++ },
		"unfilled":       func(r *Report) { r.DuckDB.Kept.unfilled = 1 },
		"stream":         func(r *Report) { r.Stored = 2 },
		"idle worker":    func(r *Report) { r.Handled.old = 0 },
		"dead letter":    func(r *Report) { r.Dead = 1 },
		"profile":        func(r *Report) { r.Profiles = "wrong" },
		"complaint":      func(r *Report) { r.Strangers = 1 },
		"from replay":    func(r *Report) { r.Again = 1 },
		"twice":          func(r *Report) { r.Twice = 1 },
		"unknown":        func(r *Report) { r.Unknown = 1 },
	} {
		r := good()
		change(r)
		if r.broken() == nil {
			t.Errorf("%s: broken() returns nil", name)
		}
	}
}

// A shallow clone lacks the old version. The error says what to fetch.
func TestNoCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", dir).CombinedOutput(); err != nil {
		t.Skipf("git init: %v: %s", err, out)
	}
	err := buildFrom(context.Background(), dir, released, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "git fetch --depth 1 origin "+released) {
		t.Errorf("error is %v", err)
	}
}
