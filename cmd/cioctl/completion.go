package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func (c *cli) completion() *cobra.Command {
	shells := map[string]func(root *cobra.Command) error{
		"bash":       func(root *cobra.Command) error { return root.GenBashCompletionV2(c.out, true) },
		"fish":       func(root *cobra.Command) error { return root.GenFishCompletion(c.out, true) },
		"powershell": func(root *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(c.out) },
		"zsh":        func(root *cobra.Command) error { return root.GenZshCompletion(c.out) },
	}
	cmd := &cobra.Command{
		Use:   "completion bash|fish|powershell|zsh",
		Short: "Print a script that completes commands, flags and names in a shell",
		Long: `completion prints a script for your shell. With the script, the Tab key completes
commands, flags, samples, reasons, and the consumers and replays of the stream at
NATS_URL. Without an answer of NATS within a second, names are left out.

For all new shells, write the script to a file that the shell reads:

  bash        cioctl completion bash > ~/.local/share/bash-completion/completions/cioctl
  fish        cioctl completion fish > ~/.config/fish/completions/cioctl.fish
  zsh         cioctl completion zsh > "${fpath[1]}/_cioctl"
  powershell  cioctl completion powershell >> $PROFILE

bash needs the package bash-completion.`,
		Example:   "  source <(cioctl completion bash)    # for this shell only",
		Args:      one("the name of a shell: bash, fish, powershell or zsh"),
		ValidArgs: []string{"bash", "fish", "powershell", "zsh"},
	}
	return c.command(cmd, func(_ context.Context, args []string) error {
		write, ok := shells[args[0]]
		if !ok {
			return &config.UsageError{Err: fmt.Errorf("unknown shell %q: want bash, fish, powershell or zsh", args[0])}
		}
		return write(cmd.Root())
	})
}

// completeFlags makes the flags of all commands complete their values.
func (c *cli) completeFlags(cmd *cobra.Command) {
	for flag, values := range map[string]cobra.CompletionFunc{
		"output":           fixed("table", "json"),
		"log-format":       fixed("console", "json"),
		"log-level":        fixed("trace", "debug", "info", "warn", "error", "disabled"),
		"mode":             fixed("suppress", "unsubscribe", "off"),
		"suppression-mode": fixed("suppress", "unsubscribe", "off"),
		"reason":           fixed(fault.Reasons()...),
		"metric":           fixed(webhook.Metrics()...),
		"object-type":      fixed(webhook.ObjectTypes()...),
		"source":           fixed(operate.Sources...),
		"from":             c.stored(deadSources),
		"to":               c.stored(consumerNames),
		"consumer":         c.stored(consumerNames),
		"only":             fixed(doctorGroups...),
	} {
		if flag == "from" && strings.HasPrefix(cmd.CommandPath(), "cioctl consumer") {
			values = fixed("now", "beginning")
		}
		if flag == "output" && cmd.CommandPath() == "cioctl query" {
			values = fixed(formats...)
		}
		if cmd.Flags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, values) // the flag is there, and has no values yet
		}
	}
	for _, sub := range cmd.Commands() {
		c.completeFlags(sub)
	}
}

// fixed completes to one of the words.
func fixed[T ~string](words ...T) cobra.CompletionFunc {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// completeWait bounds the wait for NATS after the Tab key.
const completeWait = 700 * time.Millisecond

// stored completes to names in the stream. Without an answer of NATS the list is empty:
// an error message would damage the typed line.
func (c *cli) stored(names func(*stream.Status) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
		defer cancel()
		list := make(chan []string, 1)
		go func() { // left behind by ctx: connecting to a host that is silent takes longer
			if s, err := c.statusFor(ctx, cmd); err == nil {
				list <- names(s)
			}
			close(list)
		}()
		select {
		case found := <-list:
			return found, cobra.ShellCompDirectiveNoFileComp
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// first completes the first argument only.
func first(values cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return values(cmd, args, prefix)
	}
}

// statusFor asks the server in the environment and the flags of cmd. Cobra has parsed the
// flags, but has not run the command.
func (c *cli) statusFor(ctx context.Context, cmd *cobra.Command) (*stream.Status, error) {
	cfg := stream.Config{Name: "cioctl", Log: zerolog.Nop()}
	set := config.New("completion", c.getenv)
	cfg.Declare(set)
	var given []string
	for _, s := range set.Settings() {
		if flag := cmd.Flags().Lookup(strings.TrimPrefix(s.Flag, "--")); flag != nil && flag.Changed {
			given = append(given, s.Flag+"="+flag.Value.String())
		}
	}
	if err := set.Parse(given); err != nil {
		return nil, err
	}
	conn, err := stream.Connect(cfg)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.WaitConnected(ctx); err != nil {
		return nil, err
	}
	return conn.Status(ctx)
}

func consumerNames(s *stream.Status) (names []string) {
	for i := range s.Consumers {
		names = append(names, s.Consumers[i].Name)
	}
	return names
}

// effectsConsumers returns the consumers that cioctl consumer start accepts.
func effectsConsumers(s *stream.Status) []string {
	return slices.DeleteFunc(consumerNames(s), func(name string) bool { return operate.ConsumerOrder{Name: name, From: "now"}.Check() != nil })
}

// deadSources returns ingest and the consumers.
func deadSources(s *stream.Status) []string { return append(consumerNames(s), "ingest") }

func replayIDs(s *stream.Status) (ids []string) {
	for i := range s.Replays {
		ids = append(ids, s.Replays[i].ID)
	}
	return ids
}

// sampleNames completes to the samples that args lacks.
func sampleNames(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	for _, p := range webhooktest.Payloads() {
		if !slices.Contains(args, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
