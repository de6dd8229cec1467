package people

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// A WorkspaceError reports a workspace that nobody knows, or that several workspaces are
// known and none is named.
type WorkspaceError struct {
	// Name is the unknown workspace, "" for none.
	Name string
	// Known are the names to choose from.
	Known []string
}

func (e *WorkspaceError) Error() string { return e.In("workspace").Error() }

// In returns the error for a setting or a field with the name of the workspace.
func (e *WorkspaceError) In(setting string) error {
	err := config.OneOf(setting, e.Name, e.Known...)
	if e.Name == "" {
		return err
	}
	return fmt.Errorf("%w; for a workspace that the stream no longer has, add its name to CUSTOMERIO_WORKSPACES", err)
}

// Workspace returns the workspace of a person: name, or without a name the only workspace.
// The error is a WorkspaceError. A wrong workspace has nothing of the person, and "nothing"
// would be the answer to a request for access or erasure.
//
// named are the names of CUSTOMERIO_WORKSPACES, none without the setting. A machine of an
// operator may lack the setting, and a workspace that is no longer in the setting has
// events. So a workspace with messages in the stream, or with an entry in the list of erased
// persons, is known, too. A warehouse is not asked: a search for all its workspaces reads
// all rows.
func Workspace(ctx context.Context, conn *stream.Conn, named []string, name string) (string, error) {
	known := named
	if len(named) == 0 {
		known = []string{config.DefaultWorkspace}
	}
	switch {
	case slices.Contains(known, name):
		return name, nil
	case name == "" && len(named) == 1:
		return named[0], nil
	}
	stored, err := conn.Workspaces(ctx)
	if err != nil {
		return "", err
	}
	known = slices.Concat(known, stored)
	slices.Sort(known)
	known = slices.Compact(known)
	switch {
	case slices.Contains(known, name):
		return name, nil
	case name == "" && len(known) == 1:
		return known[0], nil
	case name != "":
		return erasedIn(ctx, conn, name, known)
	default:
		return "", &WorkspaceError{Known: known}
	}
}

// erasedIn returns the workspace if a person was erased there.
func erasedIn(ctx context.Context, conn *stream.Conn, name string, known []string) (string, error) {
	list, err := conn.ListErased(ctx)
	if err != nil && !errors.Is(err, stream.ErrNoErased) {
		return "", err
	}
	if slices.ContainsFunc(list, func(e privacy.Erasure) bool { return e.Workspace == name }) {
		return name, nil
	}
	return "", &WorkspaceError{name, known}
}
