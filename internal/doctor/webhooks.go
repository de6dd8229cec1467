// Package doctor sets up the reporting webhook at Customer.io, and checks the set-up.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/customerio"
)

// A Webhook is a reporting webhook of a workspace, with the mistakes of a webhook that
// posts to this pipeline.
type Webhook struct {
	customerio.ReportingWebhook
	Ours     bool     `json:"ours"`
	Warnings []string `json:"warnings,omitempty"`
}

// ListWebhooks lists the reporting webhooks of the App's workspace. A webhook is ours if
// its endpoint is the URL, or with an empty URL if the path of its endpoint contains
// path.
func ListWebhooks(ctx context.Context, app *customerio.App, url, path string) ([]Webhook, error) {
	list := []Webhook{}
	for w, err := range app.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		ours := w.PostsTo(url)
		if url == "" {
			ours = strings.Contains(w.Endpoint, path)
		}
		list = append(list, Webhook{ReportingWebhook: w, Ours: ours})
	}
	for i := range list {
		if w := &list[i]; w.Ours {
			w.Warnings = append(warnings(&w.ReportingWebhook), twins(list, w)...)
		}
	}
	return list, nil
}

// warnings says which events the pipeline does not get from its webhook.
func warnings(w *customerio.ReportingWebhook) (found []string) {
	if w.Disabled {
		found = append(found, "disabled: no event is sent")
	}
	if w.Type == "js" {
		found = append(found, "a JavaScript webhook: its script decides what is sent")
	}
	if !w.FullResolution {
		found = append(found, "full_resolution is off: only the first open and click of a message is sent")
	}
	if missing := w.MissingEvents(); len(missing) > 0 {
		found = append(found, fmt.Sprintf("%d events are not sent: %s", len(missing), strings.Join(missing, ", ")))
	}
	return found
}

// twins warns of other webhooks with the endpoint of w.
func twins(list []Webhook, w *Webhook) (found []string) {
	for _, other := range list {
		if other.ID != w.ID && other.PostsTo(w.Endpoint) {
			found = append(found, fmt.Sprintf("webhook %d has the same endpoint: every event may come twice", other.ID))
		}
	}
	return found
}
