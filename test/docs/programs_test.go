package docs_test

import (
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/dev"
)

type setting = config.Setting

// tables returns the settings by the name of their table: what ingest and worker
// have in common once, and of cioctl dev what is not as in one of them.
func tables() map[string][]setting {
	ingest := settings(new(ingestapp.Config).Declare, "json")
	worker := settings(new(workerapp.Config).Declare, "json")
	stack := settings(new(dev.Config).Declare, "console")
	return map[string][]setting{
		"ingest": pick(ingest, worker, false),
		"worker": pick(worker, ingest, false),
		"both":   pick(ingest, worker, true),
		"dev":    pick(stack, slices.Concat(ingest, worker), false),
	}
}

// settings returns those of a program, whose main declares the logger's beside
// its own.
func settings(declare func(*config.Set), format string) []setting {
	set := config.New("program", func(string) string { return "" })
	declare(set)
	new(config.Log).Declare(set, format)
	list := set.Settings()
	missing := strings.Split(mistakes(set), "\n")
	for i := range list {
		if slices.ContainsFunc(missing, func(m string) bool { return strings.HasPrefix(m, list[i].Name+": is required") }) {
			list[i].Default = required
		}
	}
	return list
}

// required stands in for the default of a setting without which the program does
// not start.
const required = "required"

// mistakes are what a program says about an empty environment.
func mistakes(set *config.Set) string {
	if err := set.Parse(nil); err != nil {
		return err.Error()
	}
	return ""
}

// pick returns the settings that are among the others, or those that are not.
func pick(list, others []setting, among bool) []setting {
	var picked []setting
	for _, s := range list {
		if slices.Contains(others, s) == among {
			picked = append(picked, s)
		}
	}
	return picked
}
