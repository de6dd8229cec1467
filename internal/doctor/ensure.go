package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/customerio"
)

// A WebhookOrder describes the reporting webhook that EnsureWebhook creates or corrects.
type WebhookOrder struct {
	// URL is the public address of ingest. Required.
	URL string
	// Name is the name of a new webhook. Default "cioevents".
	Name string
	// WithContent makes the webhook send bodies and headers. False changes nothing at an
	// existing webhook.
	WithContent bool
	// HasKey says that ingest has the signing key. Without the key ingest answers 401, and
	// Customer.io then waits an hour before each attempt. EnsureWebhook creates a disabled
	// webhook without the key, and enables the webhook with the key.
	HasKey bool
	// DryRun changes nothing.
	DryRun bool
}

// What EnsureWebhook has done.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
)

// An Ensured is the webhook after EnsureWebhook, or with DryRun as it would be.
type Ensured struct {
	Webhook
	Change string `json:"change"` // Created, Updated or Unchanged
}

// EnsureWebhook creates the workspace's webhook with the endpoint o.URL, or adds to the
// webhook what it lacks: events, every open and click, content, and with o.HasKey the
// sending itself. EnsureWebhook removes no event and changes no other webhook. The error
// about several webhooks with the endpoint, or a JavaScript webhook, says what to do.
func EnsureWebhook(ctx context.Context, app *customerio.App, o WebhookOrder) (*Ensured, error) {
	list, err := ListWebhooks(ctx, app, o.URL, "")
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(w Webhook) bool { return !w.Ours })
	if err := single(list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return o.create(ctx, app)
	}
	return o.update(ctx, app, list[0].ReportingWebhook)
}

// single returns an error unless EnsureWebhook knows which webhook to correct.
func single(list []Webhook) error {
	var ids []string
	for _, w := range list {
		if w.Type == "js" {
			return fmt.Errorf("webhook %d with this endpoint is a JavaScript webhook, whose script decides what is sent: delete it in Customer.io, or choose another endpoint", w.ID)
		}
		ids = append(ids, strconv.FormatInt(w.ID, 10))
	}
	if len(list) > 1 {
		return fmt.Errorf("the webhooks %s have this endpoint, so every event may come twice: delete all but one in Customer.io", strings.Join(ids, " and "))
	}
	return nil
}

func (o *WebhookOrder) create(ctx context.Context, app *customerio.App) (*Ensured, error) {
	w := customerio.ReportingWebhook{
		Name: cmp.Or(o.Name, "cioevents"), Endpoint: o.URL,
		Disabled: !o.HasKey, FullResolution: true, WithContent: o.WithContent,
	}
	w.Events = w.MissingEvents()
	return o.apply(ctx, w, Created, app.CreateWebhook)
}

func (o *WebhookOrder) update(ctx context.Context, app *customerio.App, w customerio.ReportingWebhook) (*Ensured, error) {
	missing := w.MissingEvents()
	if len(missing) == 0 && w.FullResolution && (w.WithContent || !o.WithContent) && (!w.Disabled || !o.HasKey) {
		return ensured(w, Unchanged), nil
	}
	w.Events = slices.Concat(w.Events, missing)
	w.FullResolution = true
	w.WithContent = w.WithContent || o.WithContent
	w.Disabled = w.Disabled && !o.HasKey
	return o.apply(ctx, w, Updated, app.UpdateWebhook)
}

// apply makes the change unless the order is a dry run.
func (o *WebhookOrder) apply(ctx context.Context, w customerio.ReportingWebhook, change string, call func(context.Context, customerio.ReportingWebhook) (customerio.ReportingWebhook, error)) (*Ensured, error) {
	if o.DryRun {
		return ensured(w, change), nil
	}
	w, err := call(ctx, w)
	if err != nil {
		return nil, err
	}
	return ensured(w, change), nil
}

func ensured(w customerio.ReportingWebhook, change string) *Ensured {
	e := &Ensured{Webhook: Webhook{ReportingWebhook: w, Ours: true}, Change: change}
	e.warn(nil)
	return e
}
