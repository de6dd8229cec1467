package webhook

import (
	"net/mail"
	"strings"
	"unicode"
)

// maxMailbox bounds the text that AddrSpec reads, in bytes. An address has at most 254
// bytes (RFC 5321), so a longer text is a list or a very long display name.
const maxMailbox = 2 << 10

// AddrSpec returns the address of a text with exactly one mailbox, in the spelling of
// the text: "Joe Doe <Joe@example.com>" gives "Joe@example.com". Addr-spec is the term
// of RFC 5322 for local-part@domain. SameMailbox compares two texts without regard to
// case.
//
// AddrSpec returns false for a text without an address, with several addresses, or
// with more than 2 KiB. AddrSpec does not check that the domain exists.
//
// AddrSpec accepts RFC 5322 and frequent deviations: a display name without quotes that
// needs them ("Doe, Jane <jane@example.com>"), a display name in an unknown character
// set, and dots in a row or at the ends of a local part, which Japanese mobile
// operators allowed.
func AddrSpec(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > maxMailbox {
		return "", false
	}
	if isBare(s) {
		return s, true
	}
	if a, err := mail.ParseAddress(s); err == nil {
		// String quotes a local part where necessary, and adds the angle brackets.
		spec := (&mail.Address{Address: a.Address}).String()
		return spec[1 : len(spec)-1], true
	}
	return angleAddr(s)
}

// SameMailbox reports whether a and b name the same mailbox: both have an AddrSpec, and
// the two differ in upper and lower case at most. A text with several addresses names no
// mailbox. RFC 5321 lets a server tell "Joe" from "joe", but no large provider does.
// SameMailbox does not know that "bücher.example" and "xn--bcher-kva.example" are the
// same domain, or that Gmail ignores dots.
func SameMailbox(a, b string) bool {
	x, ok := AddrSpec(a)
	if !ok {
		return false
	}
	y, ok := AddrSpec(b)
	return ok && equalFold(x, y)
}

// equalFold compares without regard to case. Unicode also folds the Kelvin sign to k, and
// such an address is another one: the two differ in bytes, the cases of a letter do not.
func equalFold(a, b string) bool {
	return len(a) == len(b) && strings.EqualFold(a, b)
}

// isBare reports whether s is an address without a display name, quotes, comments or
// white space: the usual case.
func isBare(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" &&
		!strings.ContainsFunc(local, isSpecial) && !strings.ContainsFunc(domain, isSpecial)
}

// isSpecial reports whether an address without quotes cannot contain r: the specials of
// RFC 5322 except the dot, white space and control characters.
func isSpecial(r rune) bool {
	switch r { // several times as fast as strings.ContainsRune
	case '(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"':
		return true
	}
	return unicode.IsSpace(r) || unicode.IsControl(r)
}

// angleAddr returns the address in angle brackets at the end of a text whose display
// name net/mail refuses. A display name with another address may be the beginning of a
// list, whatever the separator: "ops@example.com | Joe <joe@example.com>".
func angleAddr(s string) (string, bool) {
	name, rest, _ := strings.Cut(s, "<")
	spec, closed := strings.CutSuffix(rest, ">")
	spec = strings.TrimSpace(spec)
	isList := strings.Contains(name, "@") && !equalFold(strings.Trim(name, " \t\"'"), spec)
	if !closed || isList || !isBare(spec) {
		return "", false
	}
	return spec, true
}
