package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar draws a progress bar of total steps on standard error. With a total below 0, for
// unknown, only the count is drawn. Nothing is drawn when standard error is not a
// terminal, or when total is 0. After finish the last state stays on the screen.
//
// The bar does not end with a context, because mpb panics when a bar is added to a
// container after the end of its context.
func (c *cli) bar(total int64, options ...mpb.ContainerOption) (bar *mpb.Bar, finish func()) {
	out := c.err
	if total == 0 {
		out = nil
	}
	bars := mpb.New(append(options, mpb.WithOutput(out), mpb.WithWidth(48))...)
	speed := decor.AverageSpeed(0, "%.0f/s")
	if total >= 0 {
		bar = bars.AddBar(total, mpb.PrependDecorators(decor.CountersNoUnit("%d / %d")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), speed, decor.Name("  ETA "), decor.AverageETA(decor.ET_STYLE_GO)))
	} else {
		bar = bars.New(0, mpb.SpinnerStyle().PositionLeft(), mpb.PrependDecorators(decor.CurrentNoUnit("%d")), mpb.AppendDecorators(speed))
	}
	return bar, func() {
		bar.Abort(false) // no effect on a complete bar
		bars.Wait()
	}
}
