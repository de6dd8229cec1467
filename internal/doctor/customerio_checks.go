package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// A CustomerioOrder says what to check at Customer.io. Workspaces is required.
type CustomerioOrder struct {
	// Workspaces are the workspaces, with the signing keys and the keys of both APIs. A
	// check without its key is skipped.
	Workspaces *config.Workspaces
	// Track and App are the settings of both APIs, without keys.
	Track customerio.Config
	App   customerio.AppConfig
	// Allowed is ALLOWED_NETWORKS, empty for any network.
	Allowed []netip.Prefix
}

// apiWait bounds the calls of a check, within lookLimit.
const apiWait = 7 * time.Second

const wrongSetting = "correct the setting"

// CustomerioChecks checks, for each workspace, the credentials of both APIs, the region
// and the scopes, and whether ALLOWED_NETWORKS has Customer.io's addresses. All calls
// only read.
func CustomerioChecks(o CustomerioOrder) (checks []Check) {
	add := func(name string, look func(context.Context) []Verdict) {
		checks = append(checks, Check{"customerio", name, func(ctx context.Context) []Verdict {
			ctx, cancel := context.WithTimeout(ctx, apiWait)
			defer cancel()
			return look(ctx)
		}})
	}
	regions := map[string]customerio.AppConfig{}
	for _, w := range o.Workspaces.All() {
		track, wrongTrack := o.Track.For(w, o.Workspaces)
		app, wrongApp := o.App.For(w, o.Workspaces) // here, as all workspaces share the rate
		if wrongApp == nil {
			regions[app.Region] = app
		}
		add(label("keys", w, o.Workspaces), func(context.Context) []Verdict { return compareKeys(w) })
		add(label("Track API", w, o.Workspaces), func(ctx context.Context) []Verdict { return tryTrack(ctx, w, track, wrongTrack) })
		add(label("App API", w, o.Workspaces), func(ctx context.Context) []Verdict { return tryApp(ctx, w, app, wrongApp) })
	}
	add("networks", func(ctx context.Context) []Verdict { return covers(ctx, o.Allowed, regions) })
	return checks
}

// label adds the name of the workspace if there are several.
func label(name string, w config.Workspace, all *config.Workspaces) string {
	if len(all.All()) == 1 {
		return name
	}
	return w.Name + ": " + name
}

// A keyOf is a key and the end of the name of its variable.
type keyOf struct{ suffix, value string }

func keysOf(w config.Workspace) (keys []keyOf) {
	for _, k := range []keyOf{{"SITE_ID", w.SiteID}, {"TRACK_API_KEY", w.APIKey}, {"APP_API_KEY", w.AppKey}} {
		if k.value != "" {
			keys = append(keys, k)
		}
	}
	for _, secret := range w.Secrets {
		keys = append(keys, keyOf{"WEBHOOK_SECRET", secret})
	}
	return keys
}

// compareKeys looks for a key in two variables.
func compareKeys(w config.Workspace) []Verdict {
	keys := keysOf(w)
	if len(keys) == 0 {
		return skipped("no key of Customer.io is set here")
	}
	names := []string{}
	for i, k := range keys {
		for _, other := range keys[:i] {
			if k.value == other.value && k.suffix != other.suffix {
				return failed(fmt.Sprintf("%s and %s have the same value", config.Variable(w.Name, other.suffix), config.Variable(w.Name, k.suffix)),
					"copy each key again: Customer.io shows site id and Track API key under API credentials, App API keys beside them, and the signing key on the page of the reporting webhook")
			}
		}
		if name := config.Variable(w.Name, k.suffix); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return ok("set here: %s", strings.Join(names, ", "))
}
