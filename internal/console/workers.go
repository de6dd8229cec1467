package console

import (
	"cmp"
	"slices"

	"github.com/cioevents/cioevents/internal/operate"
)

// A partLine is the state of a third party, as a number of workers sees the state.
type partLine struct {
	What string
	operate.Part
	Workers int
}

// Parts returns the third parties of all workers. Workers that see another state have a
// line of their own; what is down comes first.
func (d *overviewData) Parts() (lines []partLine) {
	for i := range d.Workers {
		lines = addParts(lines, "Warehouse", d.Workers[i].Warehouses)
		lines = addParts(lines, "Track API", d.Workers[i].Track)
	}
	slices.SortStableFunc(lines, func(a, b partLine) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(b.What, a.What), cmp.Compare(a.Name, b.Name))
	})
	return lines
}

func addParts(lines []partLine, what string, parts []operate.Part) []partLine {
	for _, p := range parts {
		i := slices.IndexFunc(lines, func(l partLine) bool {
			return l.What == what && l.Name == p.Name && l.Place == p.Place && l.State == p.State && l.Reason == p.Reason
		})
		if i < 0 {
			lines = append(lines, partLine{what, p, 1})
			continue
		}
		l := &lines[i]
		l.Workers++
		if p.Since.Before(l.Since) {
			l.Since = p.Since
		}
	}
	return lines
}

func rank(s operate.PartState) int {
	return slices.Index([]operate.PartState{operate.PartDown, operate.PartStarting, operate.PartOK}, s)
}

// Policies returns the policies of the workers by workspace.
func (d *overviewData) Policies() []operate.PolicyInForce {
	list := operate.PoliciesOf(d.Workers)
	slices.SortStableFunc(list, func(a, b operate.PolicyInForce) int { return cmp.Compare(a.Workspace, b.Workspace) })
	return list
}
