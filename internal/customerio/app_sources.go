package customerio

import (
	"context"
	"fmt"
	"iter"
	"net/url"
)

// A Source is the origin of a delivery, with the name that people gave it. The word
// campaign is Customer.io's automation, and newsletter its one-time send.
type Source struct {
	Kind   string // campaign, broadcast, newsletter, transactional or action
	ID     int64  // the campaign_id, broadcast_id … of an event; unique within Kind
	Name   string
	Parent int64 // the campaign or the broadcast of an action, else 0
}

// source is an element of the lists of sources and of actions.
type source struct {
	ID      number `json:"id"`
	Name    string `json:"name"`
	Actions []any  `json:"actions"`
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
// actions. Sources makes a call for each campaign and broadcast: a workspace with 300
// campaigns takes a minute. After an error Sources ends.
func (a *App) Sources(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for _, l := range listings {
			for s, err := range pages[source](ctx, a, l.path, l.key, l.query) {
				if err != nil {
					yield(Source{}, err)
					return
				}
				if !yield(Source{Kind: l.kind, ID: int64(s.ID), Name: s.Name}, nil) || len(s.Actions) > 0 && !a.actions(ctx, l.path, s.ID, yield) {
					return
				}
			}
		}
	}
}

// actions yields the actions of a source, and returns false after an error or when yield
// does.
func (a *App) actions(ctx context.Context, path string, parent number, yield func(Source, error) bool) bool {
	for s, err := range pages[source](ctx, a, fmt.Sprintf("%s/%d/actions", path, parent), "actions", nil) {
		if err != nil {
			yield(Source{}, err)
			return false
		}
		if !yield(Source{Kind: "action", ID: int64(s.ID), Name: s.Name, Parent: int64(parent)}, nil) {
			return false
		}
	}
	return true
}
