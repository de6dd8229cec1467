package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/customerio"
)

// covers checks whether the networks have every address of Customer.io's calls. regions has
// the App API of each region.
func covers(ctx context.Context, allowed []netip.Prefix, regions map[string]customerio.AppConfig) []Verdict {
	if len(allowed) == 0 {
		return ok("ALLOWED_NETWORKS is empty here: if ingest has none, every address may call, and the signature protects")
	}
	var list []netip.Addr
	for _, cfg := range regions {
		own, err := customerio.Addresses(ctx, cfg)
		if err != nil {
			return unreached(err)
		}
		list = append(list, own...)
	}
	var missing []string
	for _, a := range list {
		if !slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
			missing = append(missing, a.String())
		}
	}
	if len(missing) > 0 {
		return failed(fmt.Sprintf("ALLOWED_NETWORKS lacks %d of the %d addresses that Customer.io calls from: ingest answers them 503, and the queue waits", len(missing), len(list)),
			"add to ALLOWED_NETWORKS of every ingest: "+strings.Join(missing, ","))
	}
	return ok("ALLOWED_NETWORKS has all %d addresses that Customer.io calls from", len(list))
}
