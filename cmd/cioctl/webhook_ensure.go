package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/ingest"
)

func (c *cli) webhookEnsure() *cobra.Command {
	var app appSetting
	var at endpointSetting
	var o output
	var order doctor.WebhookOrder
	cmd := &cobra.Command{
		Use:   "ensure",
		Short: "Create the webhook at Customer.io, or add what it lacks",
		Long: `ensure creates the reporting webhook with the endpoint --url: all events, and every
open and click instead of the first of each message. If the workspace has that webhook
already, ensure adds what is missing and keeps its name. Run twice, it changes nothing.
No other webhook changes, and no event is removed.

Without the signing key, ingest would refuse every call. So the webhook is created
disabled while CUSTOMERIO_WEBHOOK_SECRET is not set here. Copy the key from the page of
the webhook in Customer.io, give the key to ingest, try the key with cioctl webhook
test, and run ensure with the key: it then enables the webhook. An enabled webhook
stays enabled.

ensure fails when several webhooks have this endpoint, or a JavaScript webhook: delete
the wrong ones in Customer.io. After a failure without an answer, run ensure again: it
finds a webhook that was created.`,
		Example: "  cioctl webhook ensure --url " + publicURL + "\n  CUSTOMERIO_WEBHOOK_SECRET_FILE=key.txt cioctl webhook ensure --url " + publicURL,
	}
	flags := cmd.Flags()
	flags.StringVar(&order.Name, "name", "cioevents", "name of a new webhook")
	flags.BoolVar(&order.WithContent, "with-content", false, "send the bodies and headers of e-mails, and the topics of changed preferences")
	flags.BoolVar(&order.DryRun, "dry-run", false, "only show what changes")
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		api, err := app.open()
		if err != nil {
			return err
		}
		order.URL, order.HasKey = at.url, len(app.chosen.Secrets) > 0
		done, err := doctor.EnsureWebhook(ctx, api, order)
		if err != nil {
			return err
		}
		done.Endpoint = config.Redact(done.Endpoint)
		if done.Disabled {
			c.tellf("The webhook is disabled until %s is set: copy the signing key from the page of the webhook in Customer.io (Integrations, Reporting Webhooks), give it to ingest, and run cioctl webhook ensure with it again.",
				config.Variable(app.chosen.Name, "WEBHOOK_SECRET"))
		}
		return o.print(c.out, done, func(w io.Writer) { ensuredTable(w, done, order.DryRun) })
	}, &app, &at, &o, check(at.hasPath))
}

// hasPath returns an error for an address without a path. ingest would answer each call with
// 404, and Customer.io then holds back all events.
func (e *endpointSetting) hasPath() error {
	if u, err := url.Parse(e.url); err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("--url: has no path: ingest answers at %s, and for one workspace at %[1]s/NAME", ingest.Path)
	}
	return nil
}

func ensuredTable(w io.Writer, done *doctor.Ensured, dryRun bool) {
	if dryRun && done.Change != doctor.Unchanged {
		sayf(w, "would be %s:", done.Change)
	} else {
		sayf(w, "%s:", done.Change)
	}
	webhookTable(w, []doctor.Webhook{done.Webhook})
}
