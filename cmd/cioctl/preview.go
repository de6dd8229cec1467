package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/terminal"
)

// consent holds the settings of a command that asks before effects are repeated.
type consent struct {
	yes, dryRun bool

	rules operate.PolicySettings
}

// Declare adds the settings to the set. Settings of the worker name the rules for the
// preview.
func (o *consent) Declare(s *config.Set) { o.rules.Declare(s) }

// canAsk returns an error when the command must ask and nobody can answer.
func (o *consent) canAsk(in io.Reader) error {
	if o.yes || o.dryRun {
		return nil
	}
	return whoConfirms(in, "look with --dry-run what the command covers, then give --yes")
}

// whoConfirms returns an error with a remedy when nobody at a terminal can answer a
// question.
func whoConfirms(in io.Reader, remedy string) error {
	if terminal.Is(in) {
		return nil
	}
	return errors.New("standard input is not a terminal, so nobody can confirm: " + remedy)
}

var errNotConfirmed = errors.New("nothing was started; --yes starts without asking")

// preview reads the events of a replay, with a progress bar, and prints its effects.
func (c *cli) preview(ctx context.Context, conn *stream.Conn, r *stream.Replay, o *consent) (*operate.Preview, error) {
	policy, err := o.rules.Policy()
	if err != nil {
		return nil, err
	}
	bar, finish := c.bar(int64(r.Total)) //nolint:gosec // a number of events
	p, err := operate.PreviewReplay(ctx, conn, r, policy, operate.PreviewLimit, func(read uint64) {
		bar.SetCurrent(int64(read)) //nolint:gosec // a number of events
	})
	finish()
	if err != nil {
		return nil, err
	}
	for _, line := range previewLines(r.Target, p, o.rules.Source()) {
		c.tellf("%s", line)
	}
	return p, nil
}

func previewLines(target string, p *operate.Preview, rules string) []string {
	about := ""
	if !p.Complete() {
		about = "at least "
	}
	lines := []string{
		fmt.Sprintf("%s handles %d events again, %s%d of them with an effect on %s%d people.", target, p.Events, about, p.Acting, about, p.People),
	}
	if p.Suppressions > 0 {
		lines = append(lines, fmt.Sprintf("It SUPPRESSES %s%d people: their profiles are DELETED for good, also if the people have come back since.", about, p.Suppressions))
	} else {
		lines = append(lines, "It suppresses "+map[bool]string{true: "nobody.", false: "nobody among these events."}[p.Complete()])
	}
	if !p.Complete() {
		lines = append(lines, fmt.Sprintf("Only the first %d events were read: the numbers are lower bounds.", p.Read))
	}
	return append(lines, "The numbers apply "+rules+"; workers apply their own.")
}
