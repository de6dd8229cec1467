package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/cioevents/cioevents/internal/terminal"
)

// A stepBar shows the present step of a long command on a terminal: its name, how long the
// step has taken, and how far the step has come if the step tells.
type stepBar struct {
	cli  *cli
	bars *mpb.Progress
	bar  *mpb.Bar
}

// step ends the step before, and begins a step. With nobody to watch, step returns nil.
func (s *stepBar) step(name string) func(done, total int64) {
	s.finish()
	if !terminal.Is(s.cli.err) {
		return nil
	}
	s.bars = mpb.New(mpb.WithOutput(s.cli.err), mpb.WithWidth(48))
	s.bar = s.bars.AddBar(0, mpb.PrependDecorators(decor.Name(name+"  ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), decor.Elapsed(decor.ET_STYLE_GO)))
	bar := s.bar
	return func(done, total int64) {
		bar.SetTotal(total, false)
		bar.SetCurrent(done)
	}
}

// finish ends the last step. The last state stays on the screen.
func (s *stepBar) finish() {
	if s.bar == nil {
		return
	}
	s.bar.Abort(false)
	s.bars.Wait()
	s.bar = nil
}
