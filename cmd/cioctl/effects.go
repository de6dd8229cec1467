package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (c *cli) effects() *cobra.Command {
	return group("effects", "Show, check and try the rules of what events do to profiles",
		`The rules say which attributes an event sets, which event it sends, and whether
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
		c.effectsShow(), c.effectsCheck(), c.effectsTest())
}

func (c *cli) effectsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show [FILE]",
		Short:   "Print the built-in rules, or those of a file as they are understood",
		Example: "  cioctl effects show > effects.yaml\n  cioctl effects show effects.yaml",
		Args:    cobra.MaximumNArgs(1),
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
		Use:     "check FILE",
		Short:   "Tell all mistakes in a file of rules, and what each consumer would do",
		Example: "  cioctl effects check effects.yaml",
		Args:    cobra.ExactArgs(1),
	}
	return c.command(cmd, func(_ context.Context, args []string) error {
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
	words := make([]string, len(metrics))
	for i, m := range metrics {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}
