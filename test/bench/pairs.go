package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// errNotJudged reports that the machine allowed no comparison.
var errNotJudged = errors.New("not judged")

// A during returns the condition of the machine during a run.
type during func(ctx context.Context, run func(context.Context) error) (condition, error)

// noted calls run, which prints its figures, and returns errNotJudged when flaw finds a reason
// against the figures. An error of run counts more.
func (d during) noted(ctx context.Context, name string, flaw func(condition) string, run func(context.Context) error) error {
	c, err := d(ctx, run)
	if err != nil {
		return err
	}
	if reason := flaw(c); reason != "" {
		if reason == disturbedReason {
			reason = fmt.Sprintf("other programs used %.0f %% of the machine, the busiest is %s", 100*c.others, c.busiestName())
		}
		return fmt.Errorf("%s: %w: %s", name, errNotJudged, reason)
	}
	return nil
}

// A side is one of the two programs of a comparison.
type side struct {
	name string
	// run returns a value for each figure of the comparison.
	run func(context.Context) ([]float64, error)
}

// A comparison measures a baseline and a program of the product in turn. Only a pair of
// adjacent runs in the same state of the machine counts.
type comparison struct {
	name    string
	sides   [2]side // the baseline, then the product
	figures []string
	// pairs is how many pairs in the same state are wanted.
	pairs int
	goals []goal
	// unjudged prints all pairs, whatever the condition of the machine, and judges none.
	unjudged bool
	// worst is the condition of the run in which other programs used the most.
	worst condition
}

// A pair contains the figures of two adjacent runs.
type pair struct {
	figures [2][]float64
	line    float64 // nanoseconds, 0 when the pair is not judged
}

// triesPerPair bounds the number of runs on a machine that is busy or changes its state.
const triesPerPair = 3

// run measures until a state of the machine has enough pairs, prints the pairs of each
// state, and judges the state with the most pairs.
func (c *comparison) run(ctx context.Context, observe during) error {
	var (
		pairs []pair
		flaws = map[string]int{}
		best  []pair
	)
	for try := 0; try < triesPerPair*c.pairs && len(best) < c.pairs; try++ {
		progressf("  %s: pair %d, %d of %d count", c.name, try+1, len(best), c.pairs)
		p, flaw, err := c.measure(ctx, observe, try%2)
		if err != nil {
			return err
		}
		if flaw != "" {
			flaws[flaw]++
			continue
		}
		pairs = append(pairs, p)
		best = slices.MaxFunc(states(pairs), func(a, b []pair) int { return len(a) - len(b) })
	}
	progressf("")
	fmt.Printf("\n%s\n", c.name)
	for _, state := range states(pairs) {
		c.print(state)
	}
	return c.judge(best, flaws)
}

// measure measures a pair, the side with the number first at the beginning.
func (c *comparison) measure(ctx context.Context, observe during, first int) (p pair, flaw string, err error) {
	var conditions [2]condition
	for _, i := range [2]int{first, 1 - first} {
		conditions[i], err = observe(ctx, func(ctx context.Context) (err error) {
			p.figures[i], err = c.sides[i].run(ctx)
			return err
		})
		if err != nil {
			return p, "", fmt.Errorf("%s: %w", c.sides[i].name, err)
		}
		if math.Abs(conditions[i].others) > math.Abs(c.worst.others) {
			c.worst = conditions[i]
		}
		if flaw = conditions[i].flaw(); flaw != "" && !c.unjudged {
			return p, flaw, nil
		}
	}
	if c.unjudged {
		return p, "", nil
	}
	a, b := conditions[0].line(), conditions[1].line()
	if max(a, b) > oneState*min(a, b) {
		return p, "the state of the machine changed", nil
	}
	p.line = (a + b) / 2
	return p, "", nil
}

// states sorts pairs by the time of a cache line, and begins a new part with each time that
// is too long for the state of the first pair of the part.
func states(pairs []pair) (parts [][]pair) {
	sorted := slices.SortedFunc(slices.Values(pairs), func(a, b pair) int { return int(a.line - b.line) })
	begin := 0
	for i := range sorted {
		if i+1 == len(sorted) || sorted[i+1].line > oneState*sorted[begin].line {
			parts = append(parts, sorted[begin:i+1])
			begin = i + 1
		}
	}
	return parts
}

// ratios returns the product's figure in parts of the baseline's.
func ratios(pairs []pair, figure int) (r []float64) {
	for _, p := range pairs {
		r = append(r, p.figures[1][figure]/p.figures[0][figure])
	}
	return r
}

// judge compares the medians with the bounds.
func (c *comparison) judge(best []pair, flaws map[string]int) error {
	if c.unjudged {
		return fmt.Errorf("%s: %w", c.name, errNotJudged)
	}
	if len(best) < c.pairs {
		reasons := make([]string, 0, len(flaws))
		for flaw, n := range flaws {
			reason := fmt.Sprintf("%s in %d", flaw, n)
			if flaw == disturbedReason {
				reason += fmt.Sprintf(" (%.0f %% in the worst run, the busiest is %s)", 100*c.worst.others, c.worst.busiestName())
			}
			reasons = append(reasons, reason)
		}
		slices.Sort(reasons)
		return fmt.Errorf("%s: %w: want %d pairs in one state of the machine, have %d of %d: %s",
			c.name, errNotJudged, c.pairs, len(best), triesPerPair*c.pairs, strings.Join(reasons, ", "))
	}
	return c.judgeGoals(best)
}

// print prints the median of each figure with the smallest and the largest value.
func (c *comparison) print(pairs []pair) {
	state := fmt.Sprintf("cache line %.0f ns", median(lines(pairs)))
	if c.unjudged {
		state = "any state of the machine"
	}
	fmt.Printf("  %s, %d pairs\n", state, len(pairs))
	fmt.Printf("    %-14s %-30s %-30s %s\n", "", c.sides[0].name, c.sides[1].name, "ratio in %")
	for i, name := range c.figures {
		var columns [2]string
		for s := range columns {
			values := make([]float64, 0, len(pairs))
			for _, p := range pairs {
				values = append(values, p.figures[s][i])
			}
			columns[s] = spread(values, 1)
		}
		fmt.Printf("    %-14s %-30s %-30s %s\n", name, columns[0], columns[1], spread(ratios(pairs, i), 100))
	}
	for _, g := range c.goals {
		fmt.Println("    " + c.goalLine(g, pairs))
	}
}

func lines(pairs []pair) (l []float64) {
	for _, p := range pairs {
		l = append(l, p.line)
	}
	return l
}

// spread formats the median, the smallest and the largest of values.
func spread(values []float64, factor float64) string {
	digits := 1
	switch m := median(values) * factor; {
	case m >= 1000:
		digits = 0
	case m < 10:
		digits = 2
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, median(values)*factor, digits, slices.Min(values)*factor, digits, slices.Max(values)*factor)
}
