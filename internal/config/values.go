package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Bytes is a number of bytes above 0, written with or without a unit: 8MiB, 2GB, 4096.
type Bytes int64

var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// Set reads a number of bytes.
func (b *Bytes) Set(text string) error {
	text = strings.TrimSpace(text)
	factor := int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n*factor/factor != n {
		return errors.New("want a size above 0 such as 8MiB")
	}
	*b = Bytes(n * factor)
	return nil
}

// String writes the number with the largest unit that divides it.
func (b *Bytes) String() string {
	for _, u := range []int{3, 2, 1, 0} {
		if n := int64(*b); n > 0 && n%units[u].bytes == 0 {
			return strconv.FormatInt(n/units[u].bytes, 10) + units[u].suffix
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type names the type in the help text.
func (b *Bytes) Type() string { return "bytes" }

// ByteLimit is Bytes, or -1 for no limit, written as unlimited.
type ByteLimit int64

// Set reads a limit. It also accepts -1, which is how NATS writes no limit.
func (l *ByteLimit) Set(text string) error {
	if text = strings.TrimSpace(text); text == "unlimited" || text == "-1" {
		*l = -1
		return nil
	}
	if (*Bytes)(l).Set(text) != nil {
		return errors.New("want unlimited or a size above 0 such as 42GiB")
	}
	return nil
}

// String writes the limit in the form that Set reads.
func (l *ByteLimit) String() string {
	if *l < 0 {
		return "unlimited"
	}
	return (*Bytes)(l).String()
}

// Type names the type in the help text.
func (l *ByteLimit) Type() string { return "bytes" }

// Address is the address of a listener: HOST:PORT, or :PORT for all addresses of the
// machine.
type Address string

// Set reads an address. The host is not looked up.
func (a *Address) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port) //nolint:noctx // reads a number or a local file
	}
	if err != nil {
		return errors.New("want HOST:PORT or :PORT, with a port up to 65535")
	}
	*a = Address(text)
	return nil
}

// String writes the address in the form that Set reads.
func (a *Address) String() string { return string(*a) }

// Type names the type in the help text.
func (a *Address) Type() string { return "address" }

// Duration is a time.Duration of 0 or more, written as time.ParseDuration reads a
// duration: 192h, 2.5s or 0.
type Duration time.Duration

// Span returns the value of a flag with a Duration.
func Span(p *time.Duration, value time.Duration) *Duration {
	*p = value
	return (*Duration)(p)
}

// Set reads a duration.
func (d *Duration) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		return errors.New("want a duration such as 30s, 10m or 192h")
	}
	*d = Duration(v)
	return nil
}

// String writes the duration without zero minutes and seconds.
func (d *Duration) String() string {
	s := time.Duration(*d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Type names the type in the help text.
func (d *Duration) Type() string { return "duration" }

// List is a comma-separated list.
type List []string

// Set reads a list, without empty items and the blanks around items.
func (l *List) Set(text string) error {
	*l = SplitList(text)
	return nil
}

// String writes the list in the form that Set reads.
func (l *List) String() string { return strings.Join(*l, ",") }

// Type names the type in the help text.
func (l *List) Type() string { return "list" }

// SplitList splits a comma-separated list as List.Set does.
func SplitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Networks is a comma-separated list of networks in CIDR notation. An address
// without a mask is a network of one address.
type Networks []netip.Prefix

// Set reads a list of networks, in place of the list before.
func (n *Networks) Set(text string) error {
	*n = nil
	for _, item := range SplitList(text) {
		p, ok := parseNetwork(item)
		if !ok {
			return errors.New("want CIDR networks such as 10.0.0.0/8, comma-separated, and no address bits beyond the mask")
		}
		*n = append(*n, p)
	}
	return nil
}

// parseNetwork refuses address bits beyond the mask, which are a slip, and IPv4 in
// the form of IPv6, which would match no address.
func parseNetwork(text string) (p netip.Prefix, ok bool) {
	p, err := netip.ParsePrefix(text)
	if addr, addrErr := netip.ParseAddr(text); addrErr == nil && addr.Zone() == "" {
		p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
}

// String writes the list in the form that Set reads.
func (n *Networks) String() string {
	items := make([]string, len(*n))
	for i, p := range *n {
		items[i] = p.String()
	}
	return strings.Join(items, ",")
}

// Type names the type in the help text.
func (n *Networks) Type() string { return "networks" }
