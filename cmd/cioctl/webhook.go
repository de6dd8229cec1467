package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/ingest"
)

func (c *cli) webhook() *cobra.Command {
	return group("webhook", "Set up the reporting webhook at Customer.io",
		`Customer.io posts events to a reporting webhook of the workspace. These commands set
the webhook up through the App API, and try it. CUSTOMERIO_APP_API_KEY is the key:
create one in Customer.io under Account settings, API credentials, App API keys.

  cioctl webhook ensure --url https://hooks.example.com/webhooks/customerio
  cioctl webhook test --url https://hooks.example.com/webhooks/customerio
  cioctl webhook list`, c.webhookList(), c.webhookEnsure(), c.webhookTest())
}

// publicURL is an example of the address that Customer.io posts to.
const publicURL = "https://hooks.example.com" + ingest.Path

// A workspaceSetting chooses a workspace by --workspace.
type workspaceSetting struct {
	all    config.Workspaces
	name   string
	chosen config.Workspace // set by the check of the settings
}

// declare adds the setting and the variables of the parts of a workspace to the set.
func (w *workspaceSetting) declare(s *config.Set, wants ...config.Want) {
	w.all.Declare(s, wants...)
	s.Flags().StringVar(&w.name, "workspace", "", "name of the workspace, needed if CUSTOMERIO_WORKSPACES has several")
	s.Check(w.choose)
}

func (w *workspaceSetting) choose() error {
	list := w.all.All()
	if w.name == "" && len(list) == 1 {
		w.chosen = list[0]
		return nil
	}
	var names []string
	for _, ws := range list {
		if ws.Name == w.name {
			w.chosen = ws
			return nil
		}
		names = append(names, ws.Name)
	}
	if len(names) == 0 {
		return nil // CUSTOMERIO_WORKSPACES is wrong, which has an error of its own
	}
	return config.OneOf("--workspace", w.name, names...)
}

// An appSetting is the App API of a workspace.
type appSetting struct {
	workspaceSetting
	api      customerio.AppConfig
	optional bool // a command that does something without a key
}

// Declare adds the settings to the set.
func (a *appSetting) Declare(s *config.Set) {
	a.declare(s, config.WantSecrets, config.WantApp)
	customerio.DeclareRegion(s, &a.api.Region)
	a.api.Declare(s)
	s.Check(func() error {
		if a.optional || a.chosen.Name == "" || a.chosen.AppKey != "" {
			return nil
		}
		return fmt.Errorf("%s: is required: create a key in Customer.io under Account settings, API credentials, App API keys", config.Variable(a.chosen.Name, "APP_API_KEY"))
	})
}

// open returns the App of the workspace.
func (a *appSetting) open() (*customerio.App, error) {
	own, err := a.api.For(a.chosen, &a.all)
	if err != nil {
		return nil, err
	}
	return customerio.NewApp(own)
}

// An endpointSetting is the public address of ingest.
type endpointSetting struct {
	url      string
	optional bool
}

// Declare adds the setting to the set.
func (e *endpointSetting) Declare(s *config.Set) {
	s.Flags().StringVar(&e.url, "url", "", "public webhook URL of ingest, such as "+publicURL)
	s.Check(func() error {
		if e.url == "" && e.optional {
			return nil
		}
		return config.WebAddress("--url", e.url, publicURL)
	})
}

func (c *cli) webhookList() *cobra.Command {
	var app appSetting
	var o output
	at := endpointSetting{optional: true}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the reporting webhooks of the workspace, and what is wrong with ours",
		Long: `list shows every reporting webhook of the workspace. It warns when one of ours is
disabled, lacks events, sends only the first open and click of a message, is a
JavaScript webhook, or shares its endpoint with another. Ours are the webhooks with
the endpoint --url, or without the flag the webhooks whose endpoint contains
` + ingest.Path + `.

A key that lacks the scope for reporting webhooks is refused with 403. list changes
nothing, and ends with exit code 0 in spite of warnings.`,
		Example: "  cioctl webhook list\n  cioctl webhook list --workspace acme --output json",
	}
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		api, err := app.open()
		if err != nil {
			return err
		}
		list, err := doctor.ListWebhooks(ctx, api, at.url, ingest.Path)
		if err != nil {
			return err
		}
		for i := range list {
			list[i].Endpoint = config.Redact(list[i].Endpoint)
		}
		return o.print(c.out, list, func(w io.Writer) { webhookTable(w, list) })
	}, &app, &at, &o)
}

func webhookTable(w io.Writer, list []doctor.Webhook) {
	row(w, "ID", "NAME", "ENDPOINT", "EVENTS", "STATE", "OURS")
	for _, hook := range list {
		state, ours := "enabled", ""
		if hook.Disabled {
			state = "disabled"
		}
		if hook.Ours {
			ours = "yes"
		}
		row(w, hook.ID, hook.Name, hook.Endpoint, len(hook.Events), state, ours)
	}
	for _, hook := range list {
		warnTable(w, &hook)
	}
}

func warnTable(w io.Writer, hook *doctor.Webhook) {
	for _, warning := range hook.Warnings {
		sayf(w, "warning: webhook %d: %s", hook.ID, warning)
	}
}
