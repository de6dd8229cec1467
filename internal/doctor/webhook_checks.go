package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// A WebhookCheckOrder says which webhooks to check. Workspaces and Path are required.
type WebhookCheckOrder struct {
	// Workspaces are the workspaces, with the signing keys and the keys of the App API.
	// Checks of a missing key are skipped.
	Workspaces *config.Workspaces
	// App is the settings of the App API, without keys.
	App customerio.AppConfig
	// URL is the public address of ingest. Without a URL the webhooks of Path are ours,
	// and no call is tried.
	URL string
	// Path is the path of ingest.
	Path string
}

// WebhookChecks checks, for each workspace, whether the reporting webhook is registered,
// enabled and complete, and tries the signing keys by signed calls to the URL, which store
// nothing.
func WebhookChecks(o WebhookCheckOrder) (checks []Check) {
	for _, w := range o.Workspaces.All() {
		checks = append(checks, Check{"webhook", label("registered", w, o.Workspaces), func(ctx context.Context) []Verdict {
			return o.registered(ctx, w)
		}})
	}
	return checks
}

// registered checks what Customer.io says about our webhooks.
func (o *WebhookCheckOrder) registered(ctx context.Context, w config.Workspace) []Verdict {
	if w.AppKey == "" {
		return skipped(config.Variable(w.Name, "APP_API_KEY") + " is not set here")
	}
	cfg, err := o.App.For(w, o.Workspaces)
	if err != nil {
		return failed(err.Error(), "correct the setting")
	}
	app, err := customerio.NewApp(cfg)
	if err != nil {
		return failed(err.Error(), "correct the setting")
	}
	list, err := ListWebhooks(ctx, app, o.URL, o.Path)
	if err != nil {
		return failed(err.Error(), "look at the findings of the group customerio")
	}
	return fmtWebhooks(list)
}

func fmtWebhooks(list []Webhook) (found []Verdict) {
	for _, w := range list {
		if w.Ours && len(w.Warnings) > 0 {
			found = append(found, Verdict{State: Fail, Detail: fmt.Sprintf("webhook %d: %s", w.ID, strings.Join(w.Warnings, "; ")), Remedy: "run cioctl webhook ensure"})
		}
	}
	return found
}
