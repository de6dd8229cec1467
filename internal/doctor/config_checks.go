package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
)

// A Program is ingest or the worker, with its settings in the environment here.
type Program struct {
	Name string
	// Set has the settings of the program.
	Set *config.Set
	// Own are settings of the program that no other program and no command has.
	Own []string
	// Has reports, after Set is loaded, whether a workspace has keys for the program.
	Has func() bool
}

// ConfigChecks checks the environment as the programs do at their start. A program whose
// own settings are all missing runs elsewhere.
func ConfigChecks(getenv func(string) string, programs ...Program) (checks []Check) {
	for _, p := range programs {
		checks = append(checks, Check{"config", p.Name, func(context.Context) []Verdict { return p.check(getenv) }})
	}
	return checks
}

func (p *Program) check(getenv func(string) string) []Verdict {
	mistakes := p.Set.Load()
	if !p.isGiven(getenv) {
		return skipped(fmt.Sprintf("nothing of this program is set here, such as %s: doctor checks the settings in the program's own environment", p.Own[0]))
	}
	if mistakes == nil {
		return ok("the settings are valid")
	}
	var list []Verdict
	for m := range strings.SplitSeq(mistakes.Error(), "\n") {
		list = append(list, Verdict{Fail, m, "correct the setting: " + p.Name + " ends with exit code 2 because of it"})
	}
	return list
}

func (p *Program) isGiven(getenv func(string) string) bool {
	return p.Has() || slices.ContainsFunc(p.Own, func(name string) bool { return getenv(name) != "" || getenv(name+"_FILE") != "" })
}
