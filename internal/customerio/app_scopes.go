package customerio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
)

// A Scope is a part of the App API and whether the key may read it.
type Scope struct {
	Name string // such as "reporting webhooks"
	Err  error  // nil if a call was accepted
}

// Scopes makes one reading call of each part of the App API that this package uses.
// Customer.io has no call that lists the scopes of a key. Scopes stops after a key that
// no part accepts, and after an outage.
func (a *App) Scopes(ctx context.Context) []Scope {
	var scopes []Scope
	for _, p := range []struct{ name, path string }{
		{"reporting webhooks", webhooksPath},
		{"campaigns", "/v1/campaigns"},
		{"broadcasts", "/v1/broadcasts"},
		{"newsletters", "/v1/newsletters?limit=1"},
		{"transactional messages", "/v1/transactional"},
		{"deliveries", "/v1/messages?limit=1"},
	} {
		err := a.call(ctx, http.MethodGet, p.path, nil, nil, nil)
		scopes = append(scopes, Scope{Name: p.name, Err: err})
		if e := statusOf(err); err != nil && (e == nil || e.status != http.StatusForbidden) {
			break
		}
	}
	return scopes
}

// addressesPath has no authentication. Source: "security": [] in Customer.io's
// journeys-app.json of August 2026.
const addressesPath = "/v1/info/ip_addresses"

// Addresses returns the addresses that Customer.io's calls come from in the region of cfg,
// which needs no key.
func Addresses(ctx context.Context, cfg AppConfig) ([]netip.Addr, error) {
	cfg.Key = "none" // request sends no key to addressesPath
	a, err := NewApp(cfg)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Addresses []netip.Addr `json:"ip_addresses"`
	}
	if err := a.call(ctx, http.MethodGet, addressesPath, nil, nil, &answer); err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	if len(answer.Addresses) == 0 {
		return nil, errors.New("list addresses: no address in the answer")
	}
	return answer.Addresses, nil
}
