package docs_test

import (
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/dev"
)

type setting = config.Setting

// tables returns the settings by the name of their table. The table "both" has the
// settings that ingest and worker share. The table "dev" has the settings of cioctl dev
// that differ from ingest's and worker's. The table "console" has the settings of the
// console alone.
func tables() map[string][]setting {
	ingest := settings(new(ingestapp.Config).Declare, "json")
	worker := settings(new(workerapp.Config).Declare, "json")
	stack := settings(new(dev.Config).Declare, "console")
	pages := settings(new(console.Settings).Declare, "console")
	return map[string][]setting{
		"ingest":  pick(ingest, worker, false),
		"worker":  pick(worker, ingest, false),
		"both":    pick(ingest, worker, true),
		"dev":     pick(stack, slices.Concat(ingest, worker, pages), false),
		"console": pick(pages, stack, true), // without those of the logger, which differ nowhere
	}
}

// settings returns the settings of a program. Its main declares the program's settings
// and the logger's.
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

// required replaces the default of a setting that must be set.
const required = "required"

// mistakes returns the errors of a program with an empty environment.
func mistakes(set *config.Set) string {
	if err := set.Parse(nil); err != nil {
		return err.Error()
	}
	return ""
}

// pick returns the settings of list that are in others, or with among = false the
// settings that are not.
func pick(list, others []setting, among bool) []setting {
	var picked []setting
	for _, s := range list {
		if slices.Contains(others, s) == among {
			picked = append(picked, s)
		}
	}
	return picked
}
