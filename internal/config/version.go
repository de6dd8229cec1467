package config

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// Version describes the build of the running program: "v0.1.0 (commit 2216b37,
// go1.26.8)". The commit ends in "+dirty" if the checkout had changes. Go records
// the commit of a checkout under "go build", not under "go test" or "go run".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return version(info)
}

// shortCommit is the length to which git abbreviates a commit.
const shortCommit = 7

func version(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := cmp.Or(settings["vcs.revision"], "unknown")
	commit = commit[:min(shortCommit, len(commit))]
	if settings["vcs.modified"] == "true" {
		commit += "+dirty"
	}
	return fmt.Sprintf("%s (commit %s, %s)", cmp.Or(info.Main.Version, "(devel)"), commit, info.GoVersion)
}
