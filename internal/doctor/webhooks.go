// Package doctor sets up the reporting webhook at Customer.io, and checks the set-up.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
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
	return listWebhooks(ctx, app, func(w *customerio.ReportingWebhook) bool {
		return w.PostsTo(url) || url == "" && strings.Contains(w.Endpoint, path)
	})
}

func listWebhooks(ctx context.Context, app *customerio.App, ours func(*customerio.ReportingWebhook) bool) ([]Webhook, error) {
	list := []Webhook{}
	for w, err := range app.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		list = append(list, Webhook{ReportingWebhook: w, Ours: ours(&w)})
	}
	for i := range list {
		if w := &list[i]; w.Ours {
			w.warn(list)
		}
	}
	return list, nil
}

func (w *Webhook) warn(list []Webhook) {
	for _, fault := range faults(list, w) {
		w.Warnings = append(w.Warnings, fault.Detail)
	}
}

// faults are the reasons why the pipeline gets too few events from its webhook, or gets
// events twice.
func faults(list []Webhook, w *Webhook) (found []Verdict) {
	add := func(state State, remedy, detail string) {
		found = append(found, Verdict{State: state, Detail: detail, Remedy: remedy})
	}
	ensure := "run cioctl webhook ensure --url " + config.Redact(w.Endpoint)
	if w.Disabled {
		add(Fail, ensure+" with the signing key: it enables the webhook", "disabled: no event is sent")
	}
	if w.Type == "js" {
		add(Fail, "delete the webhook in Customer.io, and "+ensure, "a JavaScript webhook: its script decides what is sent")
	}
	if !w.FullResolution {
		add(Warn, ensure, "full_resolution is off: only the first open and click of a message is sent")
	}
	if missing := w.MissingEvents(); len(missing) > 0 {
		add(Warn, ensure, fmt.Sprintf("%d events are not sent: %s", len(missing), strings.Join(missing, ", ")))
	}
	for _, other := range list {
		switch {
		case other.ID == w.ID:
		case other.PostsTo(w.Endpoint):
			add(Fail, "delete one of them in Customer.io", fmt.Sprintf("webhook %d has the same endpoint: every event may come twice", other.ID))
		case other.Ours && (w.isBelow(&other) || other.isBelow(w)):
			add(Fail, "delete one of them in Customer.io", fmt.Sprintf("webhook %d posts to the same ingest: every event may come twice", other.ID))
		}
	}
	return found
}

// isBelow reports whether the endpoint is other's with the name of a workspace: ingest
// takes the calls of both.
func (w *Webhook) isBelow(other *Webhook) bool {
	endpoint := strings.TrimRight(w.Endpoint, "/")
	return other.PostsTo(endpoint[:max(0, strings.LastIndex(endpoint, "/"))])
}
