package config

import (
	"slices"
	"strings"
)

// Misspelt returns the variables of an environment that are no setting of the sets and
// differ from a setting by one or two letters, each with that setting. Variables of the
// named workspaces are settings, too.
func Misspelt(environment []string, workspaces []Workspace, sets ...*Set) map[string]string {
	known := variables(sets)
	found := map[string]string{}
	for _, name := range environment {
		if slices.Contains(known, name) || isOf(workspaces, name) {
			continue
		}
		if i := slices.IndexFunc(known, func(k string) bool { return distance(name, k) <= 2 }); i >= 0 {
			found[name] = known[i]
		}
	}
	return found
}

// variables returns the names of all variables that the sets read.
func variables(sets []*Set) (names []string) {
	for _, s := range sets {
		for _, v := range s.vars {
			names = append(names, v.name)
			if v.secret {
				names = append(names, v.name+"_FILE")
			}
		}
	}
	return names
}

// isOf reports whether a variable carries the name of a workspace.
func isOf(workspaces []Workspace, name string) bool {
	return slices.ContainsFunc(workspaces, func(w Workspace) bool {
		return w.Name != DefaultWorkspace && strings.HasPrefix(name, Variable(w.Name, ""))
	})
}
