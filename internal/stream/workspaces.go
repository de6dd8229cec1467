package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// Workspaces returns the workspaces with messages in the stream, sorted. Two requests
// answer, however large the stream is: the subject of a message has the workspace.
func (c *Conn) Workspaces(ctx context.Context) ([]string, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	subjects, err := subjectsByWorkspace(ctx, st, ">")
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(subjects)), nil
}

// subjectsByWorkspace returns the subjects of the filter that have messages, by workspace.
func subjectsByWorkspace(ctx context.Context, st jetstream.Stream, filter string) (map[string][]string, error) {
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, fmt.Errorf("list subjects of stream %s: %w", Name, err)
	}
	subjects := map[string][]string{}
	for subject := range info.State.Subjects {
		if workspace, _, _ := parseSubject(subject); workspace != "" {
			subjects[workspace] = append(subjects[workspace], subject)
		}
	}
	return subjects, nil
}
