package customeriotest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Webhook is a reporting webhook of the workspace.
type Webhook struct {
	ID             int64    `json:"id"`
	Type           string   `json:"type"`
	Name           string   `json:"name"`
	Endpoint       string   `json:"endpoint"`
	Events         []string `json:"events"`
	Disabled       bool     `json:"disabled"`
	FullResolution bool     `json:"full_resolution"`
	WithContent    bool     `json:"with_content"`
}

// SeedWebhooks adds webhooks, as people do in the console of Customer.io. A webhook
// without an ID gets a new ID, and without a Type the type "webhook".
func (a *App) SeedWebhooks(list ...Webhook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range list {
		a.addWebhook(w)
	}
}

// Webhooks returns all webhooks, in the order of their creation.
func (a *App) Webhooks() []Webhook {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.webhooks)
}

func (a *App) addWebhook(w Webhook) Webhook {
	w.ID = cmp.Or(w.ID, a.lastID+1)
	w.Type = cmp.Or(w.Type, "webhook")
	a.lastID = max(a.lastID, w.ID)
	a.webhooks = append(a.webhooks, w)
	return w
}

func (a *App) listWebhooks(*http.Request) answer {
	return found(map[string]any{"reporting_webhooks": slices.Concat([]Webhook{}, a.webhooks)})
}

func (a *App) createWebhook(r *http.Request) answer {
	w, err := readWebhook(r)
	if err != nil {
		return deny(http.StatusBadRequest, err.Error())
	}
	w.ID = 0
	return found(a.addWebhook(w))
}

func (a *App) getWebhook(r *http.Request) answer {
	i := a.webhookIndex(r)
	if i < 0 {
		return missing
	}
	return found(a.webhooks[i])
}

// updateWebhook replaces the whole webhook: a field that is missing gets its default.
func (a *App) updateWebhook(r *http.Request) answer {
	i := a.webhookIndex(r)
	if i < 0 {
		return missing
	}
	w, err := readWebhook(r)
	if err != nil {
		return deny(http.StatusBadRequest, err.Error())
	}
	w.ID, w.Type = a.webhooks[i].ID, a.webhooks[i].Type
	a.webhooks[i] = w
	return found(w)
}

func (a *App) deleteWebhook(r *http.Request) answer {
	i := a.webhookIndex(r)
	if i < 0 {
		return missing
	}
	a.webhooks = slices.Delete(a.webhooks, i, i+1)
	return accepted
}

func (a *App) webhookIndex(r *http.Request) int {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return slices.IndexFunc(a.webhooks, func(w Webhook) bool { return w.ID == id })
}

func readWebhook(r *http.Request) (w Webhook, err error) {
	if err := json.NewDecoder(r.Body).Decode(&w); err != nil {
		return w, errors.New("body is not a reporting webhook")
	}
	w.Type = "" // read-only
	u, err := url.Parse(w.Endpoint)
	switch {
	case w.Name == "":
		return w, errors.New("name is required")
	case err != nil || u.Host == "":
		return w, errors.New("endpoint is not a URL")
	case len(w.Events) == 0:
		return w, errors.New("events is required")
	}
	for _, word := range w.Events {
		if !knownEvent(word) {
			return w, fmt.Errorf("event %q is unknown", word)
		}
	}
	return w, nil
}

// events are the words of Customer.io's journeys-app.json by object type, 72 in all.
var events = map[string]string{
	"customer": "subscribed unsubscribed subscription_preferences_changed",
	"email":    "drafted attempted sent delivered opened clicked converted bounced dropped deferred spammed failed unsubscribed undeliverable",
	"in_app":   "drafted attempted sent opened clicked converted failed undeliverable",
	"push":     "drafted attempted sent delivered opened clicked converted bounced dropped failed undeliverable",
	"slack":    "drafted attempted sent clicked converted failed",
	"sms":      "drafted attempted sent delivered clicked converted bounced dropped failed undeliverable replied",
	"whatsapp": "drafted attempted sent delivered opened clicked converted bounced dropped failed undeliverable replied",
	"webhook":  "drafted attempted sent clicked converted failed undeliverable",
}

func knownEvent(word string) bool {
	for object, metrics := range events {
		if metric, ok := strings.CutPrefix(word, object+"_"); ok && slices.Contains(strings.Fields(metrics), metric) {
			return true
		}
	}
	return false
}
