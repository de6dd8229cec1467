package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) stream() *cobra.Command {
	cmd := &cobra.Command{Use: "stream", Short: "Change the stream", Args: usage(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var cfg stream.Config
	var settings stream.Settings
	apply := &cobra.Command{
		Use: "apply", Short: "Give the running streams the configured replicas, age, size and window",
		Long: "Give the running streams the configured replicas, age, size and window: all four\nof them, so name those that are not to become the default.",
	}
	var less bool
	apply.Flags().BoolVar(&less, "less", false, "allow fewer replicas, or a shorter age, which deletes events")
	declare := func(s *config.Set) {
		cfg.Declare(s)
		settings.Declare(s)
	}
	cmd.AddCommand(c.command(apply, declare, func(ctx context.Context, _ []string) error {
		err := withStream(ctx, cfg, func(conn *stream.Conn) error { return conn.Apply(ctx, settings, less) })
		if errors.Is(err, stream.ErrLess) {
			return fmt.Errorf("%w. Set what is missing, or pass --less", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, "applied")
		return err
	}))
	return cmd
}
