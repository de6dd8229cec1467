package customerio

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
)

// A ReportingWebhook is the subscription of an endpoint to events of the workspace. The
// App API neither returns nor sets the key that signs the calls: the key belongs to the
// workspace, and Customer.io shows it on the page of a webhook.
type ReportingWebhook struct {
	ID       int64    `json:"id,omitempty"` // set by Customer.io
	Name     string   `json:"name"`
	Endpoint string   `json:"endpoint"`
	Events   []string `json:"events"` // such as email_sent; at least one
	Disabled bool     `json:"disabled"`
	// FullResolution sends every open and click. Otherwise Customer.io sends only the
	// first of a message.
	FullResolution bool `json:"full_resolution"`
	// WithContent adds bodies and headers to the events sent, and the topics to changes
	// of preferences.
	WithContent bool `json:"with_content"`
	// Type is "webhook", or "js" for a JavaScript webhook. Set by Customer.io.
	Type string `json:"type,omitempty"`
}

const webhooksPath = "/v1/reporting_webhooks"

// Webhooks yields the reporting webhooks of the workspace.
func (a *App) Webhooks(ctx context.Context) iter.Seq2[ReportingWebhook, error] {
	return pages[ReportingWebhook](ctx, a, webhooksPath, "reporting_webhooks", nil)
}

// Webhook returns the webhook with the id.
func (a *App) Webhook(ctx context.Context, id int64) (ReportingWebhook, error) {
	return a.webhook(ctx, "get", http.MethodGet, webhookPath(id), nil)
}

// CreateWebhook creates the webhook, and returns it with its id. When Customer.io does
// not answer, the webhook may exist: list the webhooks before another attempt.
func (a *App) CreateWebhook(ctx context.Context, w ReportingWebhook) (ReportingWebhook, error) {
	w.ID, w.Type = 0, ""
	return a.webhook(ctx, "create", http.MethodPost, webhooksPath, w)
}

// UpdateWebhook replaces every field of the webhook with w.ID.
func (a *App) UpdateWebhook(ctx context.Context, w ReportingWebhook) (ReportingWebhook, error) {
	path := webhookPath(w.ID)
	w.ID, w.Type = 0, ""
	return a.webhook(ctx, "update", http.MethodPut, path, w)
}

func webhookPath(id int64) string { return webhooksPath + "/" + strconv.FormatInt(id, 10) }

func (a *App) webhook(ctx context.Context, verb, method, path string, body any) (w ReportingWebhook, err error) {
	if err := a.call(ctx, method, path, nil, body, &w); err != nil {
		return ReportingWebhook{}, fmt.Errorf("%s reporting webhook: %w", verb, err)
	}
	return w, nil
}
