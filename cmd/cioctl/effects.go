package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/terminal"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (c *cli) effects() *cobra.Command {
	return group("effects", "Print, check and try the rules that turn events into profile updates",
		`Rules say which attributes an event sets on the profile, which Track event it
sends, and whether it suppresses or unsubscribes the person. The worker has
built-in rules; the file in EFFECTS_FILE replaces them.

To change the rules, start with the built-in file:

  cioctl effects show > effects.yaml

Add a rule, for example:

  - name: sms-bounce
    when: {object_type: sms, metric: bounced}
    set: {sms_bounced: true, sms_bounced_at: "{{occurred_at}}"}

See the effect of the rule before a worker applies it:

  cioctl effects check effects.yaml
  cioctl effects test effects.yaml < events.jsonl

docs/effects.md explains the language of the rules.`,
		c.effectsShow(), c.effectsCheck(), c.effectsTest())
}

func (c *cli) effectsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print the built-in rules, or the rules of a file as the worker reads them",
		Long: `show prints the built-in rules as YAML, with comments. Use them as the start of a file
of your own. With FILE, show prints the rules as the worker reads them, without
comments.

A FILE with a mistake is not printed: the error names the line and what is accepted.`,
		Example: "  cioctl effects show > effects.yaml\n  cioctl effects show effects.yaml",
		Args:    optional("one FILE of rules"),
	}
	return c.command(cmd, func(_ context.Context, args []string) error {
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
		Use:   "check FILE",
		Short: "Print all mistakes in a file of rules, and the metrics on which each consumer acts",
		Long: `check reads FILE as the worker does at its start. For a file without a mistake it prints
the number of rules and the metrics on which each consumer acts. A file with mistakes
ends check with exit code 1, and each mistake has its line.

A warning is no mistake: the rule names a metric or an object type that this version
does not know. Compare the spelling.`,
		Example: "  cioctl effects check effects.yaml",
		Args:    one("the path of one file"),
	}
	return c.command(cmd, func(_ context.Context, args []string) error {
		rules, err := effect.ReadRules("", args[0])
		if err != nil {
			return err
		}
		p := effect.Policy{Rules: rules}
		for _, w := range rules.Warnings() {
			if _, err := fmt.Fprintf(c.out, "warning: %s\n", terminal.Line(w)); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(c.out, "%s: %d rules, no mistake\nsuppression acts on: %s\nengagement acts on: %s\n",
			args[0], len(rules.Names()), list(p.SuppressionMetrics()), list(p.EngagementMetrics()))
		return err
	})
}

func list(metrics []webhook.Metric) string {
	if len(metrics) == 0 {
		return "nothing"
	}
	words := make([]string, len(metrics))
	for i, m := range metrics {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}
