package ingest

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// networks are the networks that may call ingest, and the networks of the proxies
// whose X-Forwarded-For is trusted.
type networks struct{ allowed, proxies []netip.Prefix }

// check returns an error with the sender's address if the address is not allowed.
// Without an allowed network, check accepts every call.
func (n *networks) check(r *http.Request) error {
	if len(n.allowed) == 0 {
		return nil
	}
	from, err := n.sender(r)
	if err != nil {
		return err
	}
	if !contains(n.allowed, from) {
		return fmt.Errorf("address %s is outside ALLOWED_NETWORKS", from)
	}
	return nil
}

// sender returns the address that a call comes from. Each proxy appends the address
// of its caller to X-Forwarded-For, so sender reads the header from the end. The
// first address outside the proxies' networks is the sender. The addresses in front
// of the sender are the sender's own claim and do not count. If all addresses are
// proxies, the sender is the leftmost address.
func (n *networks) sender(r *http.Request) (netip.Addr, error) {
	from, err := parseAddr(r.RemoteAddr)
	if err != nil {
		return from, err
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if !contains(n.proxies, from) {
			break
		}
		if from, err = parseAddr(hop); err != nil {
			return from, fmt.Errorf("read X-Forwarded-For: %w", err)
		}
	}
	return from, nil
}

// parseAddr parses an address with or without a port. A listener for IPv4 and IPv6
// reports an IPv4 address in the form of IPv6; parseAddr returns the IPv4 address.
func parseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		pair, pairErr := netip.ParseAddrPort(text)
		if pairErr != nil {
			return addr, fmt.Errorf("invalid address of %d characters", len(text))
		}
		addr = pair.Addr()
	}
	return addr.Unmap().WithZone(""), nil
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
