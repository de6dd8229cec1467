package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// Workspaces returns the workspaces with messages in the stream, sorted. Two requests
// answer, however large the stream is: the subject of a message has the workspace.
func (c *Conn) Workspaces(ctx context.Context) (list []string, err error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, fmt.Errorf("list subjects of stream %s: %w", Name, err)
	}
	for subject := range info.State.Subjects {
		if workspace, _, _ := parseSubject(subject); workspace != "" {
			list = append(list, workspace)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
