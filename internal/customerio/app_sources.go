package customerio

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
)

// A Source is the origin of a delivery with the name that people gave it, or an action or
// a variant of the origin. The word campaign is Customer.io's automation, and newsletter
// its one-time send.
type Source struct {
	Kind      string // campaign, broadcast, newsletter or transactional
	ID        int64  // the campaign_id, broadcast_id … of an event; unique within Kind
	ActionID  int64  // of an action of a campaign or broadcast, else 0
	ContentID int64  // of a variant of a newsletter, else 0
	Name      string // "" for an action or a variant without a name
}

// source is an element of the lists of sources, actions and variants.
type source struct {
	ID       number   `json:"id"`
	Name     string   `json:"name"`
	Language string   `json:"language"` // of a variant; "" for the default language
	Actions  []any    `json:"actions"`
	Contents []number `json:"content_ids"` // one for a newsletter without variants
}

// listings are the lists of sources. A newsletter has no actions, and the list has pages.
var listings = []struct {
	kind, path, key string
	query           url.Values
}{
	{kind: "campaign", path: "/v1/campaigns", key: "campaigns"},
	{kind: "broadcast", path: "/v1/broadcasts", key: "broadcasts"},
	{kind: "newsletter", path: "/v1/newsletters", key: "newsletters", query: url.Values{"limit": {"100"}}},
	{kind: "transactional", path: "/v1/transactional", key: "messages"},
}

// Sources yields all sources of the workspace, each campaign and broadcast before its
// actions, and each newsletter with variants before them. Sources makes a call for each
// campaign, each broadcast and each newsletter with variants: a workspace with 300
// campaigns takes a minute. After an error Sources ends.
func (a *App) Sources(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for _, l := range listings {
			for s, err := range pages[source](ctx, a, l.path, l.key, l.query) {
				if err != nil {
					yield(Source{}, err)
					return
				}
				of := Source{Kind: l.kind, ID: int64(s.ID), Name: s.Name}
				if !yield(of, nil) || !a.parts(ctx, l.path, s, of, yield) {
					return
				}
			}
		}
	}
}

// parts yields the actions and the variants of a source, and returns false after an error
// or when yield does.
func (a *App) parts(ctx context.Context, path string, s source, of Source, yield func(Source, error) bool) bool {
	switch {
	case len(s.Actions) > 0:
		return a.part(ctx, fmt.Sprintf("%s/%d/actions", path, s.ID), "actions", yield, func(part source) Source {
			return Source{Kind: of.Kind, ID: of.ID, ActionID: int64(part.ID), Name: part.Name}
		})
	case len(s.Contents) > 1:
		return a.part(ctx, fmt.Sprintf("%s/%d/contents", path, s.ID), "contents", yield, func(part source) Source {
			return Source{Kind: of.Kind, ID: of.ID, ContentID: int64(part.ID), Name: cmp.Or(part.Name, part.Language)}
		})
	default:
		return true
	}
}

func (a *App) part(ctx context.Context, path, key string, yield func(Source, error) bool, named func(source) Source) bool {
	for s, err := range pages[source](ctx, a, path, key, nil) {
		if err != nil {
			yield(Source{}, err)
			return false
		}
		if !yield(named(s), nil) {
			return false
		}
	}
	return true
}
