package main

import (
	"os"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// programs returns ingest and the worker with their settings in the environment.
func (c *cli) programs() []doctor.Program {
	var ingest ingestapp.Config
	var worker workerapp.Config
	list := []doctor.Program{{Name: "ingest", Has: func() bool {
		return slices.ContainsFunc(ingest.Workspaces.All(), func(w config.Workspace) bool { return len(w.Secrets) > 0 })
	}}, {Name: "worker", Has: func() bool {
		return slices.ContainsFunc(worker.Workspaces.All(), func(w config.Workspace) bool { return w.SiteID != "" || w.APIKey != "" })
	}}}
	for i, declare := range []func(*config.Set){ingest.Declare, worker.Declare} {
		list[i].Set = config.New(list[i].Name, c.getenv)
		declare(list[i].Set)
	}
	list[0].Own = own(list[0].Set, list[1].Set)
	list[1].Own = own(list[1].Set, list[0].Set)
	return list
}

// shared are settings of a program that commands of cioctl read, too: they do not tell
// that the program runs here.
var shared = []string{"INGEST_ADDR", "CUSTOMERIO_REGION", place.Setting}

// own returns the names of the settings that only one of two programs has.
func own(set, other *config.Set) (names []string) {
	for _, s := range set.Settings() {
		isOther := slices.ContainsFunc(other.Settings(), func(o config.Setting) bool { return o.Name == s.Name })
		if !isOther && !slices.Contains(shared, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// environment returns the names of the variables of this process.
func environment() (names []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return names
}
