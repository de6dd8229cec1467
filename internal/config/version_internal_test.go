package config

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	release := debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v0.1.0"}}
	release.Settings = []debug.BuildSetting{
		{Key: "vcs.revision", Value: "2216b37c0ffee2216b37c0ffee2216b37c0ffee0"}, {Key: "vcs.modified", Value: "false"},
	}
	dirty := release
	dirty.Settings = []debug.BuildSetting{release.Settings[0], {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]debug.BuildInfo{
		"v0.1.0 (commit 2216b37, go1.26.8)":       release,
		"v0.1.0 (commit 2216b37+dirty, go1.26.8)": dirty,
		"(devel) (commit unknown, go1.26.8)":      {GoVersion: "go1.26.8"},
	} {
		if got := version(&info); got != want {
			t.Errorf("version = %q, want %q", got, want)
		}
	}
}
