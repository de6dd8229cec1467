package main

import (
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
)

// help replaces cobra's command, whose exit code is 0 for an unknown command.
func (c *cli) help() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND ...]",
		Short:   "Show what a command does, its flags and examples",
		Example: "  cioctl help dead redrive",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && about.HasSubCommands() {
				err = subcommand(about, rest)
			}
			if err != nil {
				return &config.UsageError{Err: err}
			}
			return about.Help()
		},
	}
}
