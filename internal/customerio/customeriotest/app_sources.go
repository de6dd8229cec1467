package customeriotest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Source is a campaign, a broadcast, a newsletter or a transactional message.
type Source struct {
	Kind    string // campaign, broadcast, newsletter or transactional
	ID      int64
	Name    string
	Actions []Action // of a campaign or a broadcast
	// Contents are the variants of a newsletter: languages, or parts of an A/B test. Each
	// newsletter of Customer.io has at least one.
	Contents []Content
}

// An Action is a step of a Source that sends a message.
type Action struct {
	ID   int64  `json:"id"`
	Type string `json:"type"` // such as email
	Name string `json:"name"`
}

// A Content is a variant of a newsletter.
type Content struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Language string `json:"language"` // "" for the default language
}

// SeedSources adds sources to the workspace.
func (a *App) SeedSources(list ...Source) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range list {
		a.sources[s.Kind] = append(a.sources[s.Kind], &s)
	}
}

// origin notes the source and the action of an event, with made-up names unless they
// were seeded.
func (a *App) origin(e *webhook.Event) {
	for _, o := range []struct {
		kind, name string
		id         int64
	}{
		{"campaign", "Campaign", e.CampaignID},
		{"broadcast", "Broadcast", e.BroadcastID},
		{"newsletter", "Newsletter", e.NewsletterID},
		{"transactional", "Message", e.TransactionalMessageID},
	} {
		if o.id == 0 {
			continue
		}
		s := a.source(o.kind, o.id)
		if s == nil {
			s = &Source{Kind: o.kind, ID: o.id, Name: fmt.Sprintf("%s %d", o.name, o.id)}
			a.sources[o.kind] = append(a.sources[o.kind], s)
		}
		if o.kind == "newsletter" && e.ContentID != 0 && !slices.ContainsFunc(s.Contents, func(c Content) bool { return c.ID == e.ContentID }) {
			s.Contents = append(s.Contents, Content{ID: e.ContentID, Name: fmt.Sprintf("Variant %d", len(s.Contents)+1)})
		}
		if e.ActionID != 0 && !slices.ContainsFunc(s.Actions, func(x Action) bool { return x.ID == e.ActionID }) {
			s.Actions = append(s.Actions, Action{ID: e.ActionID, Type: typeOf(e), Name: fmt.Sprintf("Step %d", len(s.Actions)+1)})
		}
	}
}

func (a *App) source(kind string, id int64) *Source {
	for _, s := range a.sources[kind] {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// listSources lists sources of a kind. Only newsletters have pages and content_ids, and
// only actions in the list of a source lack names.
func (a *App) listSources(kind string) func(*http.Request) answer {
	key := map[string]string{"campaign": "campaigns", "broadcast": "broadcasts", "newsletter": "newsletters", "transactional": "messages"}[kind]
	return func(r *http.Request) answer {
		list := []any{}
		for _, s := range a.sources[kind] {
			actions := []any{}
			for _, x := range s.Actions {
				actions = append(actions, map[string]any{"id": x.ID, "type": x.Type})
			}
			item := map[string]any{"id": s.ID, "name": s.Name, "actions": actions}
			if kind == "newsletter" {
				delete(item, "actions")
				item["content_ids"] = idsOf(s.Contents)
			}
			list = append(list, item)
		}
		if kind != "newsletter" {
			return found(map[string]any{key: list})
		}
		return a.page(r, key, list)
	}
}

func (a *App) listActions(kind string) func(*http.Request) answer {
	return func(r *http.Request) answer {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		s := a.source(kind, id)
		if s == nil {
			return missing
		}
		list := []any{}
		for _, x := range s.Actions {
			list = append(list, x)
		}
		return a.page(r, "actions", list)
	}
}

func idsOf(contents []Content) []int64 {
	ids := []int64{}
	for _, c := range contents {
		ids = append(ids, c.ID)
	}
	return ids
}

// listContents lists the variants of a newsletter, without pages.
func (a *App) listContents(r *http.Request) answer {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s := a.source("newsletter", id)
	if s == nil {
		return missing
	}
	return found(map[string]any{"contents": slices.Concat([]Content{}, s.Contents)})
}

// page returns the items from the offset start on, limit items at most.
func (a *App) page(r *http.Request, key string, items []any) answer {
	start, end, err := a.span(r, len(items))
	if err != nil {
		return deny(http.StatusBadRequest, err.Error())
	}
	next := ""
	if end < len(items) {
		next = strconv.Itoa(end)
	}
	return found(map[string]any{key: items[start:end], "next": next})
}

// span returns the bounds of the page that a request asks for, of a list of n items.
func (a *App) span(r *http.Request, n int) (start, end int, err error) {
	limit, largest := 50, 1000
	if a.cfg.PageSize > 0 {
		limit, largest = a.cfg.PageSize, a.cfg.PageSize
	}
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil && n > 0 {
		limit = min(n, largest)
	}
	if text := r.FormValue("start"); text != "" {
		if start, err = strconv.Atoi(text); err != nil || start < 0 {
			return 0, 0, errors.New("start is not a page")
		}
	}
	start = min(start, n)
	return start, min(start+limit, n), nil
}
