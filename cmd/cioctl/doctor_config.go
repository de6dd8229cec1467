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

// programSettings are the settings of ingest and the worker in the environment here.
type programSettings struct {
	ingest    ingestapp.Config
	worker    workerapp.Config
	programs  []doctor.Program
	ingestSet *config.Set
	workerSet *config.Set
}

func readPrograms(getenv func(string) string) *programSettings {
	p := &programSettings{ingestSet: config.New("ingest", getenv), workerSet: config.New("worker", getenv)}
	p.ingest.Declare(p.ingestSet)
	p.worker.Declare(p.workerSet)
	for _, load := range []struct {
		name       string
		set, other *config.Set
		workspaces *config.Workspaces
		has        func(config.Workspace) bool
	}{
		{"ingest", p.ingestSet, p.workerSet, &p.ingest.Workspaces, func(w config.Workspace) bool { return len(w.Secrets) > 0 }},
		{"worker", p.workerSet, p.ingestSet, &p.worker.Workspaces, func(w config.Workspace) bool { return w.SiteID != "" || w.APIKey != "" }},
	} {
		own := own(load.set, load.other)
		mistakes := load.set.Load()
		p.programs = append(p.programs, doctor.Program{
			Name: load.name, Example: own[0], Mistakes: mistakes,
			Given: slices.ContainsFunc(load.workspaces.All(), load.has) ||
				slices.ContainsFunc(own, func(name string) bool { return getenv(name) != "" || getenv(name+"_FILE") != "" }),
		})
	}
	return p
}

// shared are settings of a program and of cioctl's commands: one of them alone is no sign
// of the program.
var shared = []string{
	"INGEST_ADDR", "CUSTOMERIO_REGION", "CUSTOMERIO_TRACK_URL", "CUSTOMERIO_APP_API_KEY", "CUSTOMERIO_APP_URL", "APP_API_RATE", place.Setting,
}

// own returns the names of the settings in set, without those of other and shared.
func own(set, other *config.Set) (names []string) {
	for _, s := range set.Settings() {
		isOther := slices.ContainsFunc(other.Settings(), func(o config.Setting) bool { return o.Name == s.Name })
		if !isOther && !slices.Contains(shared, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// misspelt returns the variables of this process that look like settings of the programs
// or of cioctl.
func (p *programSettings) misspelt(cioctl *config.Set) map[string]string {
	var names []string
	for _, v := range os.Environ() { //nolint:forbidigo // only names are read, to find misspelt ones
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return config.Misspelt(names, p.ingest.Workspaces.All(), p.ingestSet, p.workerSet, cioctl)
}
