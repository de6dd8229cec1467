package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/alerts"
	"github.com/cioevents/cioevents/internal/config"
)

func (c *cli) alerts() *cobra.Command {
	return group("alerts", "Try the receiver of the workers' alerts", `alerts tries the receiver to which one of the workers posts alerts:

  cioctl alerts test`, c.alertsTest())
}

func (c *cli) alertsTest() *cobra.Command {
	var cfg alerts.Config
	required := declare(func(s *config.Set) {
		cfg.Declare(s)
		s.Check(func() error {
			if cfg.URL == "" {
				return errors.New("ALERT_WEBHOOK_URL: is required")
			}
			return nil
		})
	})
	cmd := &cobra.Command{
		Use: "test", Short: "Send a test to the receiver of alerts",
		Long: `test posts a sample to ALERT_WEBHOOK_URL, in the format and with the signature of a
worker's alerts. Give it the variables of the workers. The test comes from this machine:
a worker may reach the receiver by another network. See "cioctl status" for what the
workers say.`,
		Example: "  ALERT_WEBHOOK_URL=https://hooks.slack.com/services/... cioctl alerts test\n" +
			"  docker compose run --rm cioctl alerts test",
	}
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		sender, err := alerts.NewSender(cfg)
		if err != nil {
			return err
		}
		if err := sender.Try(ctx); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s has accepted a test in the format %s\n", sender.Host, cfg.Format)
		return err
	}, required)
}
