package operate

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// A LastCall is the newest signed call of a workspace that has become an event.
type LastCall struct {
	Workspace string    `json:"workspace"`
	At        time.Time `json:"at"` // on ingest's clock
}

// LastCalls returns the last call of each workspace with events in the stream, sorted by
// workspace. A workspace is missing before its first event, and when the stream has deleted
// its last event by age.
func LastCalls(ctx context.Context, conn *stream.Conn) ([]LastCall, error) {
	last, err := conn.LastReceived(ctx)
	list := []LastCall{}
	for workspace, at := range last {
		list = append(list, LastCall{workspace, at})
	}
	slices.SortFunc(list, func(a, b LastCall) int { return cmp.Compare(a.Workspace, b.Workspace) })
	return list, err
}
