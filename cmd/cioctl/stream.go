package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) stream() *cobra.Command {
	return group("stream", "Change the stream", "", c.streamApply())
}

func (c *cli) streamApply() *cobra.Command {
	var target stream.Settings
	var less bool
	cmd := &cobra.Command{
		Use: "apply", Short: "Give the running streams the configured replicas, age, size and window",
		Long: "Give the running streams the configured replicas, age, size and window: all four\nof them, so name those that are not to become the default.",
	}
	cmd.Flags().BoolVar(&less, "less", false, "allow fewer replicas, or a shorter age, which deletes events")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		err := conn.Apply(ctx, target, less)
		if errors.Is(err, stream.ErrLess) {
			return fmt.Errorf("%w. Set what is missing, or pass --less", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, "applied")
		return err
	}, &target)
}
