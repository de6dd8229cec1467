package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Program is ingest or the worker, with its settings in the environment here.
type Program struct {
	Name string
	// Given says that the environment has a setting of the program alone. Otherwise the
	// program runs elsewhere.
	Given bool
	// Example is a setting of the program alone.
	Example string
	// Mistakes is the error with which the program would end, nil without mistakes.
	Mistakes error
}

// ConfigChecks checks the environment as the programs do at their start. Misspelt has the
// variables of config.Misspelt.
func ConfigChecks(programs []Program, misspelt map[string]string) (checks []Check) {
	for _, p := range programs {
		checks = append(checks, Check{"config", p.Name, func(context.Context) []Verdict { return p.check() }})
	}
	return append(checks, Check{"config", "names", func(context.Context) []Verdict { return spelling(misspelt) }})
}

func spelling(misspelt map[string]string) []Verdict {
	var list []Verdict
	for _, name := range slices.Sorted(maps.Keys(misspelt)) {
		list = append(list, Verdict{Warn, name + " is no setting, so it has no effect", "did you mean " + misspelt[name] + "?"})
	}
	return orWell(list, "no variable looks like a misspelt setting")
}

func (p *Program) check() []Verdict {
	if !p.Given {
		return skipped(fmt.Sprintf("nothing of this program is set here, such as %s: doctor checks the settings in the program's own environment", p.Example))
	}
	if p.Mistakes == nil {
		return ok("the settings are valid")
	}
	var list []Verdict
	for m := range strings.SplitSeq(p.Mistakes.Error(), "\n") {
		list = append(list, Verdict{Fail, m, "correct the setting: " + p.Name + " ends with exit code 2 because of it"})
	}
	return list
}
