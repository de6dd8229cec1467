package stream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A LastEvent tells when the last event of a workspace arrived.
type LastEvent struct {
	Workspace string `json:"workspace"`
	// Events is the number of stored events.
	Events uint64 `json:"events"`
	// At is the stream's clock when it stored the last event.
	At time.Time `json:"at"`
}

// LastEvents returns the workspaces with a stored event, by name. A workspace whose last
// event is older than the stream's age is not in the list.
func (c *Conn) LastEvents(ctx context.Context) ([]LastEvent, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(AllEvents))
	if err != nil {
		return nil, fmt.Errorf("count events of workspaces: %w", err)
	}
	events := map[string]uint64{}
	for subject, n := range info.State.Subjects {
		workspace, _, _ := parseSubject(subject)
		events[workspace] += n
	}
	list := []LastEvent{}
	for workspace, n := range events {
		msg, err := st.GetLastMsgForSubject(ctx, eventsPrefix+workspace+".>")
		if err != nil {
			return nil, fmt.Errorf("read last event of workspace %s: %w", workspace, err)
		}
		list = append(list, LastEvent{workspace, n, msg.Time.UTC()})
	}
	slices.SortFunc(list, func(a, b LastEvent) int { return cmp.Compare(a.Workspace, b.Workspace) })
	return list, nil
}
