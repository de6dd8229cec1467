package webhook

import (
	"regexp"
	"strings"
	"sync"
)

// A BounceClass tells whether a bounced address may accept another message.
type BounceClass string

// The classes of bounces.
const (
	// BounceHard means that the address accepts no mail and never will.
	BounceHard BounceClass = "hard"
	// BounceSoft means that the failure may be temporary, or concerns the message or
	// its sender and not the address.
	BounceSoft BounceClass = "soft"
	// BounceUnknown means that the failure message does not tell.
	BounceUnknown BounceClass = "unknown"
)

// maxFailureMessage bounds how much of a failure message is read, in bytes. Servers put
// the code and the reason first; advice and links follow.
const maxFailureMessage = 4 << 10

// ClassifyBounce classifies a bounce by the provider's failure message, the
// FailureMessage of a Bounced event. It reads the first 4 KiB of the message.
//
// ClassifyBounce trusts an enhanced status code (RFC 3463, "5.1.1") over an SMTP reply
// code ("550"): servers that give up after days of temporary failures report
// "550 4.4.7".
//
// A permanent code alone does not make a hard bounce. Servers report a full mailbox as
// 5.2.2, a message over the size limit as 5.3.4, and a block list as 5.7.1. If 5.7.1 were
// a hard bounce, a single listing of the sending host could lead to the deletion of
// everybody at the provider. In doubt between soft and hard the class is soft: a wrong
// "soft" costs another bounce, a wrong "hard" costs a customer.
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

// The phrases of servers, in lower case. normalise removes addresses before the match,
// so that a name in an address does not look like a reason.
var (
	// Phrases about the sender's address or host. They are matched before
	// gonePhrases, because a server also says "does not exist" about a sender's domain.
	senderPhrases = phrases(
		`sender('s)? (address|domain|verify|rejected|denied)`, `domain of sender`, `return-?path`,
		`(ptr|spf|dkim|dmarc)( resource)? record`, `reverse dns`, `rdns`, `helo`, `ehlo`,
		`in reply to mail from`, // Postfix names the command that was refused
	)
	// Phrases about an address that no longer exists, or never did.
	gonePhrases = phrases(
		`(does not|doesn't|do not|did not|no longer) exists?`, `no such (user|mailbox|recipient|address|person|account|domain)`,
		`(user|recipient|addressee|mailbox|address|account)( is| was)? (unknown|not found|disabled|inactive|deactivated|invalid|closed|terminated|discontinued|deleted|expired)`,
		`(account|mailbox|user|address) (has been|that you tried to reach is) (disabled|deleted|suspended|inactive|closed|terminated|discontinued|removed|expired|deactivated)`,
		`(unknown|invalid|nonexistent|non-existent) (user|recipient|addressee|mailbox|address|account)`,
		`unroute?able (mail )?address`, // Exim, about an unknown local part
		`previously bounced`,           // from a provider's list of addresses with hard bounces
		`(not a|no) (valid|known) (user|recipient|mailbox|address|account)`, `no mailbox here`,
		`doesn't have an? \S+ account`, `bad destination mailbox`, `no longer (valid|in use|with us|works here|employed)`,
	)
	// Phrases about a failure that may be temporary, or about the size of a message.
	temporaryPhrases = phrases(
		`(over)?quota`, `(mailbox|inbox|is) full`,
		`out of (disk |storage )?space`, `insufficient (system |disk )?(storage|resources|space)`,
		`gr[ea]y-?list\w*`, `try (again|later)`, `temporar(y|ily)`, `deferr(ed|al)`, `rate[ -]?limit\w*`, `throttl(ed|ing)`,
		`too many`, `hop count`, `mail (forwarding )?loop`, `loops back`, `at a rate`, `too quickly`, `tim(ed|e) ?out`, `connection (refused|reset|lost|closed|dropped)`,
		`too (large|big|busy)`, `size (limit|exceeds)`, `exceed(s|ed)? \S+( \S+){0,3} (size|limits?)`, `limit exceeded`, `expired`,
		`storage (limit|allocation)`, `server (is )?(busy|down|offline)`, `mailbox (is )?(busy|locked|in use)`,
		`(network|host) (is )?unreachable`, `no route to host`, `lost connection`, `service (is )?(un|not )available`,
	)
	// Phrases about the content, the reputation or the policy of a server.
	rejectedPhrases = phrases(
		`spam\w*`, `unsolicited`, `(black|block|deny)[ -]?list(ed)?`, `blocked`,
		`reputation`, `polic(y|ies)`, `spf`, `dkim`, `dmarc`, `virus`, `malware`, `phishing`, `content (rejected|filter)`,
		`\w*rbl`, `dnsbl`, `banned`, `suspicious`, `abus(e|ive)`, `complaints?`, `no smtp service`, `refused to talk`,
		`relay\w* (access )?(denied|prohibited|not (permitted|allowed))`, `authenticat\w+`, `starttls`,
		`in reply to end of data`,
	)
	// Phrases about a domain without mail. They are matched after temporaryPhrases,
	// because servers use the same words for a name server that does not answer.
	noDomainPhrases = phrases(
		`(host|domain)( name)? not found`, `nxdomain`, `no (valid )?mx( records?)?`, `null mx`,
		`non-?existent (domain|hosts?)`, `unroute?able (domain|host)`,
	)
)

func phrases(list ...string) func() *regexp.Regexp {
	return expression(`\b(?:` + strings.Join(list, "|") + `)\b`)
}

// expression compiles a regular expression at its first use, so that a program without
// ClassifyBounce does not pay for the expressions at its start.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var mailAddress = expression(`[\w.!#$%&*+/=?^{|}~-]+@[\w.-]*\w`)

func normalise(s string) string {
	s = strings.ToLower(strings.ToValidUTF8(s[:min(len(s), maxFailureMessage)], ""))
	s = strings.ReplaceAll(s, "’", "'")
	return strings.Join(strings.Fields(mailAddress().ReplaceAllString(s, "")), " ")
}
