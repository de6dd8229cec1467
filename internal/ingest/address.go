package ingest

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// networks are those that a call may come from, by way of proxies whose word
// counts.
type networks struct{ allowed, proxies []netip.Prefix }

// check returns an error that names the address if it is not allowed. Nothing
// is checked when no network is named.
func (n *networks) check(r *http.Request) error {
	if len(n.allowed) == 0 {
		return nil
	}
	from, err := n.sender(r)
	if err != nil {
		return err
	}
	if !contains(n.allowed, from) {
		return fmt.Errorf("%s is in none of ALLOWED_NETWORKS", from)
	}
	return nil
}

// sender returns the address that a call comes from. X-Forwarded-For is read
// from its end, where each proxy has put whom it was called by: the first
// address that is no proxy's is the sender, and what stands before it is the
// sender's own claim. If all are proxies' it is the first of them.
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

// parseAddr reads an address with or without a port. An IPv4 address in the
// form of IPv6, as a listener for both gives it, is an IPv4 address.
func parseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		pair, pairErr := netip.ParseAddrPort(text)
		if pairErr != nil {
			return addr, fmt.Errorf("%d characters that are no address", len(text))
		}
		addr = pair.Addr()
	}
	return addr.Unmap().WithZone(""), nil
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
