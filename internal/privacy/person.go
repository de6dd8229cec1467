package privacy

import (
	"slices"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Person is a person of a workspace: all identifiers that name the person.
type Person struct {
	Workspace   string
	Identifiers []Identifier
}

// Matches reports whether an event of a workspace is the person's: one identifier of the
// event's Owner is an identifier of the person. An event of somebody else that was sent to
// the person's address is not the person's.
func (p Person) Matches(workspace string, e *webhook.Event) bool {
	return workspace == p.Workspace && slices.ContainsFunc(Owner(e), p.has)
}

func (p Person) has(id Identifier) bool { return slices.Contains(p.Identifiers, id) }
