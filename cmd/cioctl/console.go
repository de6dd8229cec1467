package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/telemetry"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

func (c *cli) console() *cobra.Command {
	var cfg console.Settings
	var rules operate.PolicySettings
	var list warehouseSetting
	var person guard.Settings
	var workspaces config.Workspaces
	var log config.Log
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Serve the web page of the pipeline",
		Long: `console serves web pages that show whether events arrive, what waits, and what failed.
By default only this machine reaches them. "cioctl dev" serves the same pages.

For another address set CONSOLE_PASSWORD, or CONSOLE_TRUST_PROXY_HEADER behind an
identity-aware proxy, and name the host in CONSOLE_HOSTS. With CONSOLE_READ_ONLY=true
the pages change nothing. console writes a log line for each change: who did what to
how many.

Ctrl-C stops console with exit code 0.`,
		Example: "  cioctl console --nats-url nats://nats.example.com:4222 --nats-creds operator.creds\n" +
			"  CONSOLE_PASSWORD_FILE=/run/secrets/console cioctl console --console-addr :8082 --console-hosts console.example.com",
	}
	declareMore := declare(func(s *config.Set) {
		workspaces.Declare(s)
		log.Declare(s, "console")
	})
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		log := telemetry.NewLogger(c.err, log.Level, log.Format)
		server, err := console.New(console.Config{
			Settings: cfg, Conn: conn, Warehouses: list.places, Workspaces: workspaces.Names(), PrivacyKey: person.KeyOrNil(), Rules: rules, Log: log,
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.out, "The console is at %s\n", server.URL()); err != nil {
			return err
		}
		return server.Run(ctx)
	}, &cfg, &list, &rules, &person, declareMore)
}
