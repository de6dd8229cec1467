package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// A WebhookCheckOrder says which webhooks to check. Workspaces and Path are required.
type WebhookCheckOrder struct {
	// Workspaces are the workspaces, with the signing keys and the keys of the App API. A
	// check without its key is skipped.
	Workspaces *config.Workspaces
	// App is the settings of the App API, without keys.
	App customerio.AppConfig
	// URL is the public address of ingest. Without a URL the webhooks of Path are ours,
	// and no signing key is tried.
	URL string
	// Path is the path of ingest.
	Path string
}

// WebhookChecks checks, for each workspace, whether the reporting webhook is registered,
// enabled and complete, and tries the signing keys at the URL. ingest stores nothing.
func WebhookChecks(o WebhookCheckOrder) (checks []Check) {
	for _, w := range o.Workspaces.All() {
		app, wrong := o.App.For(w, o.Workspaces) // here, as all workspaces share the rate
		checks = append(checks,
			Check{"webhook", label("registered", w, o.Workspaces), func(ctx context.Context) []Verdict {
				return o.registered(ctx, w, app, wrong)
			}},
			Check{"webhook", label("signing key", w, o.Workspaces), func(ctx context.Context) []Verdict {
				return tryKeys(ctx, w, o.URL)
			}})
	}
	return checks
}

// registered checks the webhooks of a workspace in Customer.io.
func (o *WebhookCheckOrder) registered(ctx context.Context, w config.Workspace, cfg customerio.AppConfig, wrong error) []Verdict {
	if w.AppKey == "" {
		return skipped(config.Variable(w.Name, "APP_API_KEY") + " is not set here")
	}
	app, err := customerio.NewApp(cfg)
	if err := cmp.Or(wrong, err); err != nil {
		return failed(err.Error(), wrongSetting)
	}
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	list, err := listWebhooks(ctx, app, o.ours(w))
	switch {
	case customerio.IsUnauthorized(err):
		return failed(err.Error(), "correct the key or its scopes: see the findings of customerio, App API")
	case err != nil:
		return unreached(err)
	}
	return o.judge(list)
}

// ours recognises the webhooks of the URL, with or without the name of the workspace.
func (o *WebhookCheckOrder) ours(w config.Workspace) func(*customerio.ReportingWebhook) bool {
	return func(hook *customerio.ReportingWebhook) bool {
		if o.URL == "" {
			return strings.Contains(hook.Endpoint, o.Path)
		}
		return hook.PostsTo(o.URL) || hook.PostsTo(strings.TrimRight(o.URL, "/")+"/"+w.Name)
	}
}

func (o *WebhookCheckOrder) judge(list []Webhook) (found []Verdict) {
	for i := range list {
		w := &list[i]
		if !w.Ours {
			continue
		}
		wrong := faults(list, w)
		for _, v := range wrong {
			v.Detail = fmt.Sprintf("webhook %d, %s: %s", w.ID, w.Name, v.Detail)
			found = append(found, v)
		}
		if len(wrong) == 0 {
			found = append(found, ok("webhook %d, %s, sends all %d events to %s", w.ID, w.Name, len(w.Events), config.Redact(w.Endpoint))...)
		}
	}
	if len(found) == 0 {
		at := cmp.Or(config.Redact(o.URL), "https://YOUR-HOST"+o.Path)
		return failed("no reporting webhook of the workspace posts to "+at, "run cioctl webhook ensure --url "+at)
	}
	return found
}
