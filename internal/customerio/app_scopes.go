package customerio

import (
	"context"
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

// Addresses returns the addresses that Customer.io's calls come from in the region of
// the App. The call needs no valid key.
func (a *App) Addresses(ctx context.Context) ([]netip.Addr, error) {
	var answer struct {
		Addresses []netip.Addr `json:"ip_addresses"`
	}
	if err := a.call(ctx, http.MethodGet, "/v1/info/ip_addresses", nil, nil, &answer); err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return answer.Addresses, nil
}
