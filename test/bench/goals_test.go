package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

func TestGoal(t *testing.T) {
	t.Parallel()
	pairs := []pair{{figures: [2][]float64{{10, 2}, {5, 3}}, line: 90}}
	for name, test := range map[string]struct {
		goal goal
		want string
		err  error
	}{
		"a bound":                  {goal{bound: true, ratio: true, least: 0.5}, "bound: f at least 50 % of base: reached, 50.0 %", nil},
		"a broken bound":           {goal{bound: true, ratio: true, least: 0.52}, "bound: f at least 52 % of base: not reached, 50.0 %", errBound},
		"a missed aim":             {goal{ratio: true, least: 0.56}, "aim: f at least 56 % of base: not reached, 50.0 %", nil},
		"an aim in the figure":     {goal{least: 5}, "aim: f at least 5: reached, 5", nil},
		"a bound above":            {goal{bound: true, figure: 1, ratio: true, most: 2}, "bound: g at most 200 % of base: reached, 150.0 %", nil},
		"a broken bound above":     {goal{bound: true, figure: 1, ratio: true, most: 1.4}, "bound: g at most 140 % of base: not reached, 150.0 %", errBound},
		"a missed aim of a figure": {goal{least: 75_000}, "aim: f at least 75000: not reached, 5", nil},
	} {
		c := &comparison{name: "c", pairs: 1, figures: []string{"f", "g"}, sides: [2]side{{name: "base"}, {name: "product"}}, goals: []goal{test.goal}}
		if got := c.goalLine(test.goal, pairs); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if err := c.judge(pairs, nil); !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
	}
	few := &comparison{pairs: 2, figures: []string{"f"}, sides: [2]side{{name: "base"}}}
	if got, want := few.goalLine(goal{least: 5}, pairs), "aim: f at least 5: not judged, 5"; got != want {
		t.Errorf("too few pairs: %q, want %q", got, want)
	}
}

func TestReceiverGoals(t *testing.T) {
	t.Parallel()
	busy, calm := receiverLoads("Echo", &lab.Process{}, &lab.Process{}, true)
	for name, test := range map[string]struct {
		c       *comparison
		product []float64 // of a baseline of 100 in each figure
		broken  bool
	}{
		"52 % of the calls":      {busy, []float64{52.1, 200, 200, 200}, false},
		"51 % of the calls":      {busy, []float64{51.9, 200, 200, 200}, true},
		"twice the p99":          {calm, []float64{100, 100, 199, 100}, false},
		"more than twice of p99": {calm, []float64{100, 100, 201, 100}, true},
	} {
		test.c.pairs = 1
		err := test.c.judge([]pair{{figures: [2][]float64{{100, 100, 100, 100}, test.product}}}, nil)
		if errors.Is(err, errBound) != test.broken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if busy, calm := receiverLoads("old", &lab.Process{}, &lab.Process{}, false); len(busy.goals)+len(calm.goals) > 0 {
		t.Error("a comparison with another ingest has goals")
	}
}

func TestMemoryBound(t *testing.T) {
	t.Parallel()
	for got, broken := range map[float64]bool{64: false, 64.1: true, 0: true} { // 0 is a process that has ended
		if err := memoryBound("ingest", got, 64); errors.Is(err, errBound) != broken {
			t.Errorf("%v of 64 MiB: %v", got, err)
		}
	}
}

// TestBurstMemory measures a worker above a bound of its memory.
func TestBurstMemory(t *testing.T) {
	t.Parallel()
	bin, dir := built(t, "worker"), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := opens{name: "burst", events: 1_000, people: 100, all: true, memory: 1}
	if err := drainOpens(ctx, bin, filepath.Join(dir, "burst"), o); !errors.Is(err, errBound) {
		t.Errorf("a worker with a bound of 1 MiB: %v, want a broken bound", err)
	}
	for _, o := range effectsRuns {
		if (o.name == "burst") != (o.memory == 300) {
			t.Errorf("%s has a bound of %v MiB; want 300 for burst alone", o.name, o.memory)
		}
	}
}

func TestGrowthBars(t *testing.T) {
	t.Parallel()
	grown := grownTable{millions: 20}
	for i := range grown.writes {
		grown.writes[i].Then = writes{Batches: 10, Wall: time.Second} // 50,000 rows a second
	}
	bars := grown.bars()
	for _, want := range []string{"0.1 % late: then 50000/s, want at least 50000: reached", "1.0 % late: then 50000/s, want at least 30000: reached"} {
		if !strings.Contains(bars, want) {
			t.Errorf("%q does not contain %q", bars, want)
		}
	}
	grown.writes[1].Then.Wall += time.Millisecond
	if bars := grown.bars(); !strings.Contains(bars, "want at least 50000: not reached") {
		t.Errorf("%q reaches the bar", bars)
	}
	for _, other := range []int{0, 5, 19, 50} {
		if bars := (&grownTable{millions: other}).bars(); bars != "" {
			t.Errorf("%d million rows have bars: %q", other, bars)
		}
	}
}
