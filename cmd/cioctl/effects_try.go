package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/operate"
)

func (c *cli) effectsTest() *cobra.Command {
	out := output{rawTo: c.out}
	var mode string
	var unknown bool
	cmd := &cobra.Command{
		Use:   "test [FILE]",
		Short: "Show the Track API calls that events would cause, without calling",
		Long: `test reads events from standard input, one JSON body a line, as Customer.io sends
them. For each event it shows the rules that apply and the Track API calls that
the worker would make. The output leaves out who the person is. Without FILE, test
tries the built-in rules. It calls nobody, and changes nothing.

WITH says why nothing is called: no rule applies, the event names nobody, or the message
went to another address. A line that is no event, or an empty standard input, ends test
with exit code 1.`,
		Example: `  cioctl effects test < events.jsonl
  cioctl effects test effects.yaml --mode unsubscribe --output json < events.jsonl
  echo '{"object_type":"email","metric":"bounced","data":{"identifiers":{"id":"42"},"failure_message":"550 5.1.1"}}' |
    cioctl effects test`,
		Args: optional("one FILE of rules"),
	}
	cmd.Flags().StringVar(&mode, "mode", string(effect.ModeSuppress), "SUPPRESSION_MODE of the worker: suppress, unsubscribe or off")
	bounces := declare(func(s *config.Set) {
		s.Bool(&unknown, "SUPPRESS_UNKNOWN_BOUNCE", false, "treat a bounce that is neither hard nor soft as a hard bounce")
	})
	return c.command(cmd, func(ctx context.Context, args []string) error {
		p, err := policy(mode, args)
		if err != nil {
			return err
		}
		p.SuppressUnknown = unknown
		bodies := &lineReader{in: c.stdin(ctx)}
		trials, err := operate.TryEffects(p, bodies.all, time.Now())
		err = errors.Join(err, bodies.err)
		if err == nil && len(trials) == 0 {
			err = errors.New("there are no events on standard input: give one JSON body a line")
		}
		return errors.Join(out.print(c.out, trials, func(w io.Writer) { trialTable(w, trials) }), err)
	}, bounces, &out)
}

// policy returns the rules of the file in args, or the built-in rules, with a mode.
func policy(mode string, args []string) (p effect.Policy, err error) {
	if p.Mode, err = effect.ParseMode(mode); err != nil {
		return p, &config.UsageError{Err: fmt.Errorf("--mode: %w", err)}
	}
	if len(args) > 0 {
		p.Rules, err = effect.ReadRules("", args[0])
	}
	return p, err
}

func trialTable(w io.Writer, trials []operate.Trial) {
	if len(trials) == 0 {
		return
	}
	row(w, "EVENT", "WHAT", "RULES", "CALL", "WITH")
	for i := range trials {
		t := &trials[i]
		what := strings.TrimSpace(string(t.ObjectType) + " " + string(t.Metric) + " " + string(t.Class))
		rules := strings.Join(t.Rules, ",")
		switch {
		case rules == "" && t.OtherRecipient:
			row(w, t.Line, what, "-", "-", "the message went to an address other than the person's")
		case rules == "":
			row(w, t.Line, what, "-", "-", "no rule applies")
		case t.Person == "":
			row(w, t.Line, what, rules, "-", "the event names nobody")
		case len(t.Calls) == 0:
			row(w, t.Line, what, rules, "-", "no call: the mode or the unknown class forbids it, or the event has no cio_id")
		}
		for _, call := range t.Calls {
			row(w, t.Line, what, rules, string(call.Kind), callDetails(call))
		}
	}
}

func callDetails(c operate.TrialCall) string {
	var parts []string
	if c.Event != "" {
		parts = append(parts, fmt.Sprintf("%q", c.Event))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Attributes)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, c.Attributes[name]))
	}
	return strings.Join(parts, " ")
}
