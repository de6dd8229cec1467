package warehouse

import (
	"maps"
	"strings"
)

// OtherMailbox is the mailbox provider of all domains that belong to none of the four.
const OtherMailbox = other

// Providers returns the mailbox providers, OtherMailbox last.
func Providers() []string { return []string{gmail, microsoft, yahoo, apple, other} }

// ReportsComplaints reports whether the mailbox provider sends spam complaints to the
// sender's service. Gmail does not.
func ReportsComplaints(provider string) bool { return provider != gmail }

// Mailbox providers. Each lists the domains of its own mailboxes: a company's domain
// at Google or Microsoft looks like any other domain and counts as other.
const (
	gmail     = "gmail"
	microsoft = "microsoft"
	yahoo     = "yahoo"
	apple     = "apple"
	other     = "other"
)

// providers are the mailbox providers of domains with a fixed name.
var providers = map[string]string{
	"gmail.com": gmail, "googlemail.com": gmail,
	"msn.com": microsoft, "passport.com": microsoft, "windowslive.com": microsoft,
	"ymail.com": yahoo, "rocketmail.com": yahoo, "myyahoo.com": yahoo,
	"aol.com": yahoo, "aim.com": yahoo, "aol.co.uk": yahoo, "aol.de": yahoo, "aol.fr": yahoo,
	"icloud.com": apple, "me.com": apple, "mac.com": apple, "privaterelay.appleid.com": apple,
}

// families are the first labels of domains that a provider has in many countries, such
// as outlook.fr and yahoo.co.jp.
var families = map[string]string{
	"outlook": microsoft, "hotmail": microsoft, "live": microsoft, "yahoo": yahoo,
}

// mailbox returns the lower-case domain of an address and the domain's mailbox
// provider. Both are "" without an address.
func mailbox(address string) (domain, provider string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", ""
	}
	domain = strings.ToLower(address[at+1:])
	if p, ok := providers[domain]; ok {
		return domain, p
	}
	first, rest, _ := strings.Cut(domain, ".")
	if p, ok := families[first]; ok && isSuffix(rest) {
		return domain, p
	}
	return domain, other
}

// isSuffix reports whether s looks like the end of a country's domain: com, fr, co.uk or
// com.br.
func isSuffix(s string) bool {
	first, second, two := strings.Cut(s, ".")
	if !two {
		return first == "com" || len(first) == 2
	}
	return (first == "co" || first == "com") && len(second) == 2
}

// MailboxDomains returns the rules of the column mailbox_provider, for SQL that fills the
// column: the providers of whole domains, and the providers of first labels in front of
// a country's suffix.
func MailboxDomains() (whole, first map[string]string) {
	return maps.Clone(providers), maps.Clone(families)
}
