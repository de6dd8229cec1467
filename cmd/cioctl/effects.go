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
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (c *cli) effects() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "effects",
		Short: "Show, check and try the rules of what events do to profiles",
		Long: `The rules say which attributes an event sets, which event it sends, and whether
it suppresses or unsubscribes the person. The worker has built-in ones; a file,
EFFECTS_FILE, replaces them. To change them, begin with the built-in file:

  cioctl effects show > effects.yaml

add a rule, for example

  - name: sms-bounce
    when: {object_type: sms, metric: bounced}
    set: {sms_bounced: true, sms_bounced_at: "{{occurred_at}}"}

and see what it does before a worker does it:

  cioctl effects check effects.yaml
  cioctl effects test effects.yaml < events.jsonl

docs/effects.md explains the language.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.effectsShow(), c.effectsCheck(), c.effectsTest())
	return cmd
}

func nothing(*config.Set) {}

func (c *cli) effectsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show [FILE]",
		Short:   "Print the built-in rules, or those of a file as they are understood",
		Example: "  cioctl effects show > effects.yaml\n  cioctl effects show effects.yaml",
		Args:    cobra.MaximumNArgs(1),
	}
	return c.command(cmd, nothing, func(_ context.Context, args []string) error {
		text := effect.BuiltinFile()
		if len(args) > 0 {
			rules, err := effect.ReadRules("", args[0])
			if err != nil {
				return err
			}
			if text, err = rules.YAML(); err != nil {
				return err
			}
		}
		_, err := c.out.Write(text)
		return err
	})
}

func (c *cli) effectsCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check FILE",
		Short:   "Tell all mistakes in a file of rules, and what each consumer would do",
		Example: "  cioctl effects check effects.yaml",
		Args:    cobra.ExactArgs(1),
	}
	return c.command(cmd, nothing, func(_ context.Context, args []string) error {
		rules, err := effect.ReadRules("", args[0])
		if err != nil {
			return err
		}
		p := effect.Policy{Rules: rules}
		_, err = fmt.Fprintf(c.out, "%s: %d rules, no mistake\nsuppression acts on: %s\nengagement acts on: %s\n",
			args[0], len(rules.Names()), list(p.SuppressionMetrics()), list(p.EngagementMetrics()))
		return err
	})
}

func list(metrics []webhook.Metric) string {
	if len(metrics) == 0 {
		return "nothing"
	}
	return strings.Join(texts(metrics), ", ")
}

type effectsTestOptions struct {
	output
	mode    string
	unknown bool
}

func (c *cli) effectsTest() *cobra.Command {
	var o effectsTestOptions
	cmd := &cobra.Command{
		Use:   "test [FILE]",
		Short: "Show which calls events would cause, without making them",
		Long: `test reads events from standard input, one JSON body in a line as Customer.io
sends it, and shows the rules that apply to each and the calls that the worker
would make. It names nobody. Without a file the built-in rules are tried.`,
		Example: `  cioctl effects test < events.jsonl
  cioctl effects test effects.yaml --mode unsubscribe --output json < events.jsonl
  echo '{"object_type":"email","metric":"bounced","data":{"identifiers":{"id":"42"},"failure_message":"550 5.1.1"}}' |
    cioctl effects test`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&o.mode, "mode", string(effect.ModeSuppress), "SUPPRESSION_MODE of the worker: suppress, unsubscribe or off")
	declare := func(s *config.Set) {
		s.Bool(&o.unknown, "SUPPRESS_UNKNOWN_BOUNCE", true, "whether a bounce that is neither hard nor soft counts as hard")
		o.declare(s)
	}
	return c.command(cmd, declare, func(ctx context.Context, args []string) error {
		p, err := o.policy(args)
		if err != nil {
			return err
		}
		trials, err := try(p, c.stdin(ctx), time.Now())
		return errors.Join(o.print(c.out, trials, func(w io.Writer) { trialTable(w, trials) }), err)
	})
}

func (o *effectsTestOptions) policy(args []string) (effect.Policy, error) {
	mode, err := effect.ParseMode(o.mode)
	if err != nil {
		return effect.Policy{}, &config.UsageError{Err: fmt.Errorf("--mode: %w", err)}
	}
	p := effect.Policy{Mode: mode, KeepUnknown: !o.unknown}
	if len(args) > 0 {
		p.Rules, err = effect.ReadRules("", args[0])
	}
	return p, err
}

// A trial is what one event would do.
type trial struct {
	Line       int                 `json:"line"`
	EventID    string              `json:"event_id"`
	ObjectType webhook.ObjectType  `json:"object_type"`
	Metric     webhook.Metric      `json:"metric"`
	Class      webhook.BounceClass `json:"bounce_class,omitempty"`
	Person     effect.IDKind       `json:"person"` // "" when the event names nobody
	Rules      []string            `json:"rules"`
	Calls      []trialCall         `json:"calls"`
}

type trialCall struct {
	Kind       effect.Kind    `json:"kind"`
	At         time.Time      `json:"at"`
	Event      string         `json:"event,omitempty"`
	ID         string         `json:"id,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// try returns what each event would do. The error names the lines without one.
func try(p effect.Policy, in io.Reader, now time.Time) ([]trial, error) {
	trials, mistakes, n := []trial{}, []error(nil), 0
	bodies := &lineReader{in: in}
	for body := range bodies.all {
		n++
		e, err := webhook.Parse(body)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("event %d: %w", n, err))
			continue
		}
		trials = append(trials, tryOne(p, e, n, now))
	}
	if bodies.err != nil {
		mistakes = append(mistakes, bodies.err)
	} else if n == 0 {
		mistakes = append(mistakes, errors.New("there are no events on standard input"))
	}
	return trials, errors.Join(mistakes...)
}

func tryOne(p effect.Policy, e *webhook.Event, n int, now time.Time) trial {
	person, _ := effect.PersonOf(e)
	t := trial{
		Line: n, EventID: e.ID, ObjectType: e.ObjectType, Metric: e.Metric, Person: person.Kind,
		Rules: append([]string{}, p.Applying(e)...), Calls: []trialCall{},
	}
	if e.Metric == webhook.Bounced {
		t.Class = webhook.ClassifyBounce(e.FailureMessage)
	}
	for _, call := range append(p.Suppression(e, now), p.Engagement(e, now)...) {
		t.Calls = append(t.Calls, trialCall{call.Kind, call.At.UTC(), call.Event, call.ID, call.Attributes})
	}
	return t
}

func trialTable(w io.Writer, trials []trial) {
	if len(trials) == 0 {
		return
	}
	row(w, "EVENT", "WHAT", "RULES", "CALL", "WITH")
	for _, t := range trials {
		what := strings.TrimSpace(string(t.ObjectType) + " " + string(t.Metric) + " " + string(t.Class))
		rules := strings.Join(t.Rules, ",")
		switch {
		case rules == "":
			row(w, t.Line, what, "-", "-", "no rule applies")
		case t.Person == "":
			row(w, t.Line, what, rules, "-", "the event names nobody")
		case len(t.Calls) == 0:
			row(w, t.Line, what, rules, "-", "the mode or the missing cio_id leaves nothing")
		}
		for _, call := range t.Calls {
			row(w, t.Line, what, rules, string(call.Kind), call.with())
		}
	}
}

func (c trialCall) with() string {
	var parts []string
	if c.Event != "" {
		parts = append(parts, fmt.Sprintf("%q", c.Event))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Attributes)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, c.Attributes[name]))
	}
	return strings.Join(parts, " ")
}
