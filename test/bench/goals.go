package main

import (
	"errors"
	"fmt"
)

// errBound reports a figure that breaks its bound.
var errBound = errors.New("out of bounds")

// A goal is a wanted median of a figure: of its ratios, or of the product's values. The
// bench fails when a bound is not reached. An aim depends on the machine, and fails nothing.
type goal struct {
	bound bool
	// figure is the index of the figure in the comparison.
	figure int
	ratio  bool
	// The median must have least at least, or most at most. The other one is 0.
	least, most float64
}

// median returns the median and whether the goal is reached.
func (g goal) median(pairs []pair) (got float64, reached bool) {
	values := ratios(pairs, g.figure)
	if !g.ratio {
		values = values[:0]
		for _, p := range pairs {
			values = append(values, p.figures[1][g.figure])
		}
	}
	got = median(values)
	if g.most > 0 {
		return got, got <= g.most
	}
	return got, got >= g.least
}

func outcome(reached bool) string {
	if reached {
		return "reached"
	}
	return "not reached"
}

// goalLine says whether the pairs reach a goal.
func (c *comparison) goalLine(g goal, pairs []pair) string {
	kind := "aim"
	if g.bound {
		kind = "bound"
	}
	got, reached := g.median(pairs)
	state := outcome(reached)
	if c.unjudged || len(pairs) < c.pairs {
		state = "not judged"
	}
	than, want := "at least", g.least
	if g.most > 0 {
		than, want = "at most", g.most
	}
	if g.ratio {
		return fmt.Sprintf("%s: %s %s %.0f %% of %s: %s, %.1f %%", kind, c.figures[g.figure], than, 100*want, c.sides[0].name, state, 100*got)
	}
	return fmt.Sprintf("%s: %s %s %.0f: %s, %.0f", kind, c.figures[g.figure], than, want, state, got)
}

// judgeGoals returns the bounds that the pairs break.
func (c *comparison) judgeGoals(pairs []pair) (err error) {
	for _, g := range c.goals {
		if _, reached := g.median(pairs); g.bound && !reached {
			err = errors.Join(err, fmt.Errorf("%s: %w: %s", c.name, errBound, c.goalLine(g, pairs)))
		}
	}
	return err
}

// memoryBound prints the largest resident memory of a program, and fails above most. Memory
// needs no quiet machine.
func memoryBound(name string, mib, most float64) error {
	line := fmt.Sprintf("bound: peak RSS of %s at most %.0f MiB: %s, %.1f MiB", name, most, outcome(0 < mib && mib <= most), mib)
	fmt.Println("  " + line)
	switch {
	case mib <= 0:
		return fmt.Errorf("%w: the peak RSS of %s is unknown: %s has ended", errBound, name, name)
	case mib > most:
		return fmt.Errorf("%w: %s", errBound, line)
	}
	return nil
}
