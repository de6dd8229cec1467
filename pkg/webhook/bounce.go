package webhook

import (
	"regexp"
	"strings"
	"sync"
)

// A BounceClass says whether an address is worth another message.
type BounceClass string

// The classes of bounces.
const (
	// BounceHard is an address that takes no mail and never will.
	BounceHard BounceClass = "hard"
	// BounceSoft is a failure that may pass, or that is about the message or
	// its sender and says nothing about the address.
	BounceSoft BounceClass = "soft"
	// BounceUnknown is a failure that nothing can be told from.
	BounceUnknown BounceClass = "unknown"
)

// maxFailureMessage is how much of a failure message is read, in bytes. Servers put the
// code and the reason first; what follows is advice and links.
const maxFailureMessage = 4 << 10

// ClassifyBounce reads a provider's failure message.
//
// It trusts an enhanced status code (RFC 3463, "5.1.1") over an SMTP reply code
// ("550"): servers that give up after days of temporary failures say "550 4.4.7".
// A permanent code alone makes no hard bounce, though. A full mailbox comes as
// 5.2.2, a message over the size limit as 5.3.4, and a block list as 5.7.1: one
// listing of the sending host would otherwise end in the deletion of everybody
// at that provider. In doubt between the two, a wrong "soft" costs one more
// bounce and a wrong "hard" a customer.
func ClassifyBounce(failureMessage string) BounceClass {
	text := normalise(failureMessage)
	code := findStatusCode(text)
	switch {
	case code.class == '4', code.aboutSender(), senderPhrases().MatchString(text):
		return BounceSoft
	case gonePhrases().MatchString(text), code.aboutAddress():
		return BounceHard
	case temporaryPhrases().MatchString(text), rejectedPhrases().MatchString(text), code.aboutDelivery():
		return BounceSoft
	case code.class == '5', noDomainPhrases().MatchString(text):
		return BounceHard
	default:
		return BounceUnknown
	}
}

// What servers say, in lower case. Addresses have been cut out before, so that
// nobody's name is taken for a reason.
var (
	// What is about our own address or host. It is looked for before gonePhrases,
	// because "does not exist" is said of a sender's domain, too.
	senderPhrases = phrases(
		`sender('s)? (address|domain|verify|rejected|denied)`, `domain of sender`, `return-?path`,
		`(ptr|spf|dkim|dmarc)( resource)? record`, `reverse dns`, `rdns`, `helo`, `ehlo`,
		`in reply to mail from`, // Postfix names the command that was refused
	)
	gonePhrases = phrases(
		`(does not|doesn't|do not|did not|no longer) exists?`, `no such (user|mailbox|recipient|address|person|account|domain)`,
		`(user|recipient|addressee|mailbox|address|account)( is| was)? (unknown|not found|disabled|inactive|deactivated|invalid|closed|terminated|discontinued|deleted|expired)`,
		`(account|mailbox|user|address) (has been|that you tried to reach is) (disabled|deleted|suspended|inactive|closed|terminated|discontinued|removed|expired|deactivated)`,
		`(unknown|invalid|nonexistent|non-existent) (user|recipient|addressee|mailbox|address|account)`,
		`unroute?able (mail )?address`, // Exim, of a local part that leads nowhere
		`previously bounced`,           // a provider's list of addresses that have bounced hard
		`(not a|no) (valid|known) (user|recipient|mailbox|address|account)`, `no mailbox here`,
		`doesn't have an? \S+ account`, `bad destination mailbox`, `no longer (valid|in use|with us|works here|employed)`,
	)
	temporaryPhrases = phrases(
		`(over)?quota`, `(mailbox|inbox|is) full`,
		`out of (disk |storage )?space`, `insufficient (system |disk )?(storage|resources|space)`,
		`gr[ea]y-?list\w*`, `try (again|later)`, `temporar(y|ily)`, `deferr(ed|al)`, `rate[ -]?limit\w*`, `throttl(ed|ing)`,
		`too many`, `hop count`, `mail (forwarding )?loop`, `loops back`, `at a rate`, `too quickly`, `tim(ed|e) ?out`, `connection (refused|reset|lost|closed|dropped)`,
		`too (large|big|busy)`, `size (limit|exceeds)`, `exceed(s|ed)? \S+( \S+){0,3} (size|limits?)`, `limit exceeded`, `expired`,
		`storage (limit|allocation)`, `server (is )?(busy|down|offline)`, `mailbox (is )?(busy|locked|in use)`,
		`(network|host) (is )?unreachable`, `no route to host`, `lost connection`, `service (is )?(un|not )available`,
	)
	rejectedPhrases = phrases(
		`spam\w*`, `unsolicited`, `(black|block|deny)[ -]?list(ed)?`, `blocked`,
		`reputation`, `polic(y|ies)`, `spf`, `dkim`, `dmarc`, `virus`, `malware`, `phishing`, `content (rejected|filter)`,
		`\w*rbl`, `dnsbl`, `banned`, `suspicious`, `abus(e|ive)`, `complaints?`, `no smtp service`, `refused to talk`,
		`relay\w* (access )?(denied|prohibited|not (permitted|allowed))`, `authenticat\w+`, `starttls`,
		`in reply to end of data`,
	)
	// A domain that nobody can be found at. It is looked for after temporaryPhrases,
	// because a name server that does not answer is spoken of in the same words.
	noDomainPhrases = phrases(
		`(host|domain)( name)? not found`, `nxdomain`, `no (valid )?mx( records?)?`, `null mx`,
		`non-?existent (domain|hosts?)`, `unroute?able (domain|host)`,
	)
)

func phrases(list ...string) func() *regexp.Regexp {
	return expression(`\b(?:` + strings.Join(list, "|") + `)\b`)
}

// expression compiles a regular expression at its first use: a program that only
// receives webhooks pays nothing for the expressions.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var mailAddress = expression(`[\w.!#$%&*+/=?^{|}~-]+@[\w.-]*\w`)

func normalise(s string) string {
	s = strings.ToLower(strings.ToValidUTF8(s[:min(len(s), maxFailureMessage)], ""))
	s = strings.ReplaceAll(s, "’", "'")
	return strings.Join(strings.Fields(mailAddress().ReplaceAllString(s, "")), " ")
}
