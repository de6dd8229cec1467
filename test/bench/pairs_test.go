package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"
)

// steady returns the condition of a run with nearly the same time of a cache line.
func steady(line float64) condition {
	return condition{lines: slices.Repeat([]float64{line}, minLines)}
}

// compared runs two pairs of a comparison in which the product has half of the baseline's
// figure, in the given conditions in turn.
func compared(c comparison, conditions ...condition) (runs int, err error) {
	always := func(figure float64) func(context.Context) ([]float64, error) {
		return func(context.Context) ([]float64, error) { return []float64{figure}, nil }
	}
	c.name, c.pairs, c.figures = "c", 2, []string{"f"}
	c.sides = [2]side{{"base", always(10)}, {"product", always(5)}}
	err = c.run(context.Background(), func(ctx context.Context, run func(context.Context) error) (condition, error) {
		runs++
		return conditions[(runs-1)%len(conditions)], run(ctx)
	})
	return runs, err
}

func TestComparison(t *testing.T) {
	t.Parallel()
	busy, mixed := steady(90), steady(90)
	busy.others = 0.06
	mixed.lines = append(slices.Clone(mixed.lines), 400, 400)
	for name, test := range map[string]struct {
		want       float64
		conditions []condition
		runs       int
		err        error
	}{
		"one state":                      {want: 0.5, conditions: []condition{steady(90), steady(120)}, runs: 4},
		"out of bounds":                  {want: 0.51, conditions: []condition{steady(90)}, runs: 4, err: errBound},
		"other programs":                 {conditions: []condition{steady(90), busy}, runs: 12, err: errNotJudged},
		"the state changes in a run":     {conditions: []condition{mixed}, runs: 6, err: errNotJudged},
		"the state changes in a pair":    {conditions: []condition{steady(90), steady(400)}, runs: 12, err: errNotJudged},
		"no cache line is measured":      {conditions: []condition{{}}, runs: 6, err: errNotJudged},
		"the state changes once":         {conditions: []condition{steady(90), steady(400), steady(400), steady(400)}, runs: 8},
		"another state in the next pair": {conditions: []condition{steady(90), steady(90), steady(400), steady(400)}, runs: 6},
	} {
		runs, err := compared(comparison{goals: []goal{{bound: true, ratio: true, least: test.want}}}, test.conditions...)
		if runs != test.runs || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %d runs, %v; want %d, %v", name, runs, err, test.runs, test.err)
		}
	}
}

// TestBlame names the share of other programs in the worst run, and the busiest of them.
func TestBlame(t *testing.T) {
	t.Parallel()
	busy, busier := steady(90), steady(90)
	busy.others, busy.busiest = 0.06, program{"sh", 0.04}
	busier.others, busier.busiest = 0.41, program{"burn", 0.33}
	_, err := compared(comparison{}, busy, busier)
	for _, want := range []string{"other programs used the machine in 6", "41 % in the worst run", "burn with 33 %"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	busier.busiest = program{}
	err = during(func(context.Context, func(context.Context) error) (condition, error) { return busier, nil }).noted(t.Context(), "soak", condition.disturbed, nil)
	for _, want := range []string{"other programs used 41 % of the machine", "no visible program"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}

// TestStates parts pairs whose cache lines differ by more than a factor of two.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []float64
		want  [][]float64
	}{
		"none":     {},
		"one":      {[]float64{90}, [][]float64{{90}}},
		"near":     {[]float64{200, 100, 150}, [][]float64{{100, 150, 200}}},
		"a jump":   {[]float64{400, 90, 110}, [][]float64{{90, 110}, {400}}},
		"a ladder": {[]float64{100, 190, 370, 700}, [][]float64{{100, 190}, {370, 700}}},
	} {
		var pairs []pair
		for _, line := range test.lines {
			pairs = append(pairs, pair{line: line})
		}
		var got [][]float64
		for _, state := range states(pairs) {
			got = append(got, lines(state))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: states of the pairs (-want +got):\n%s", name, diff)
		}
	}
}

// TestUnjudged runs on a busy machine, to the end, without a judgement.
func TestUnjudged(t *testing.T) {
	t.Parallel()
	runs, err := compared(comparison{unjudged: true, goals: []goal{{bound: true, ratio: true, least: 1}}}, condition{others: 0.5})
	if runs != 4 || !errors.Is(err, errNotJudged) || errors.Is(err, errBound) {
		t.Errorf("%d runs, %v; want 4, not judged", runs, err)
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	if got := exitCode(errNotJudged); got != 3 {
		t.Errorf("not judged: %d, want 3", got)
	}
	for _, other := range []error{errBound, errors.New("no NATS")} {
		if got := exitCode(errors.Join(fmt.Errorf("c: %w", other), errNotJudged)); got != 1 {
			t.Errorf("%v: %d, want 1", other, got)
		}
	}
	if got := exitCode(fmt.Errorf("all: %w", errors.Join(errNotJudged, fmt.Errorf("c: %w", errNotJudged)))); got != 3 {
		t.Errorf("two comparisons that are not judged: %d, want 3", got)
	}
}

func TestDescends(t *testing.T) {
	t.Parallel()
	stats := map[int]procfs.ProcStat{1: {PID: 1}, 7: {PID: 7, PPID: 1}, 8: {PID: 8, PPID: 7}, 9: {PID: 9, PPID: 8}}
	for pid, want := range map[int]bool{1: false, 7: false, 8: true, 9: true} {
		if got := descends(stats, stats[pid], 8); got != want {
			t.Errorf("process %d descends from 8: %v, want %v", pid, got, want)
		}
	}
}

// cancelling cancels a context after the first write.
type cancelling struct {
	strings.Builder
	cancel func()
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return c.Builder.Write(p)
}

func TestCores(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		t.Skip("needs Linux and two processors")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := cancelling{cancel: cancel}
	if err := runCores(ctx, &out); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	if ns, err := strconv.Atoi(first); err != nil || ns < 5 || ns > 100_000 {
		t.Errorf("a cache line takes %q ns, want 5 to 100,000", first)
	}
}
