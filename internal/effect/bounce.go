package effect

import (
	"regexp"
	"slices"
	"strings"
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

// maxFailure is how much of a failure message is read, in bytes. Servers put the
// code and the reason first; what follows is advice and links.
const maxFailure = 4 << 10

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
	code := findStatus(text)
	switch {
	case code.class == '4', code.aboutSender(), sender.MatchString(text):
		return BounceSoft
	case gone.MatchString(text), code.aboutAddress():
		return BounceHard
	case passing.MatchString(text), refused.MatchString(text), code.aboutDelivery():
		return BounceSoft
	case code.class == '5', lost.MatchString(text):
		return BounceHard
	default:
		return BounceUnknown
	}
}

// What servers say, in lower case. Addresses have been cut out before, so that
// nobody's name is taken for a reason.
var (
	// What is about our own address or host. It is looked for before gone,
	// because "does not exist" is said of a sender's domain, too.
	sender = phrases(
		`sender('s)? (address|domain|verify|rejected|denied)`, `domain of sender`, `return-?path`,
		`(ptr|spf|dkim|dmarc)( resource)? record`, `reverse dns`, `rdns`, `helo`, `ehlo`,
		`in reply to mail from`, // Postfix names the command that was refused
	)
	gone = phrases(
		`(does not|doesn't|do not|did not|no longer) exists?`, `no such (user|mailbox|recipient|address|person|account|domain)`,
		`(user|recipient|addressee|mailbox|address|account)( is| was)? (unknown|not found|disabled|inactive|deactivated|invalid|closed|terminated|discontinued|deleted|expired)`,
		`(account|mailbox|user|address) (has been|that you tried to reach is) (disabled|deleted|suspended|inactive|closed|terminated|discontinued|removed|expired|deactivated)`,
		`(unknown|invalid|nonexistent|non-existent) (user|recipient|addressee|mailbox|address|account)`,
		`unroute?able (mail )?address`, // Exim, of a local part that leads nowhere
		`previously bounced`,           // a provider's list of addresses that have bounced hard
		`(not a|no) (valid|known) (user|recipient|mailbox|address|account)`, `no mailbox here`,
		`doesn't have an? \S+ account`, `bad destination mailbox`, `no longer (valid|in use|with us|works here|employed)`,
	)
	passing = phrases(
		`(over)?quota`, `(mailbox|inbox|is) full`,
		`out of (disk |storage )?space`, `insufficient (system |disk )?(storage|resources|space)`,
		`gr[ea]y-?list\w*`, `try (again|later)`, `temporar(y|ily)`, `deferr(ed|al)`, `rate[ -]?limit\w*`, `throttl(ed|ing)`,
		`too many`, `hop count`, `mail (forwarding )?loop`, `loops back`, `at a rate`, `too quickly`, `tim(ed|e) ?out`, `connection (refused|reset|lost|closed|dropped)`,
		`too (large|big|busy)`, `size (limit|exceeds)`, `exceed(s|ed)? \S+( \S+){0,3} (size|limits?)`, `limit exceeded`, `expired`,
		`storage (limit|allocation)`, `server (is )?(busy|down|offline)`, `mailbox (is )?(busy|locked|in use)`,
		`(network|host) (is )?unreachable`, `no route to host`, `lost connection`, `service (is )?(un|not )available`,
	)
	refused = phrases(
		`spam\w*`, `unsolicited`, `(black|block|deny)[ -]?list(ed)?`, `blocked`,
		`reputation`, `polic(y|ies)`, `spf`, `dkim`, `dmarc`, `virus`, `malware`, `phishing`, `content (rejected|filter)`,
		`\w*rbl`, `dnsbl`, `banned`, `suspicious`, `abus(e|ive)`, `complaints?`, `no smtp service`, `refused to talk`,
		`relay\w* (access )?(denied|prohibited|not (permitted|allowed))`, `authenticat\w+`, `starttls`,
		`in reply to end of data`,
	)
	// A domain that nobody can be found at. It is looked for after passing,
	// because a name server that does not answer is spoken of in the same words.
	lost = phrases(
		`(host|domain)( name)? not found`, `nxdomain`, `no (valid )?mx( records?)?`, `null mx`,
		`non-?existent (domain|hosts?)`, `unroute?able (domain|host)`,
	)
)

func phrases(list ...string) *regexp.Regexp {
	return regexp.MustCompile(`\b(?:` + strings.Join(list, "|") + `)\b`)
}

var mailAddress = regexp.MustCompile(`[\w.!#$%&*+/=?^{|}~-]+@[\w.-]*\w`)

func normalise(s string) string {
	s = strings.ToLower(strings.ToValidUTF8(s[:min(len(s), maxFailure)], ""))
	s = strings.ReplaceAll(s, "’", "'")
	return strings.Join(strings.Fields(mailAddress.ReplaceAllString(s, "")), " ")
}

// A status is the code in a failure message: its class '4' or '5', 0 for none,
// and the rest of an enhanced code, or the whole of a plain reply code.
type status struct {
	class           byte
	subject, detail string
	reply           string
}

var (
	// The neighbours matter: "192.168.5.1.1", "5.1.1.1" and "v5.1.1" are no codes.
	enhancedCode = regexp.MustCompile(`(?:^|[^\w.])([45])\.([0-7])\.(\d{1,3})(?:$|[^\w.@/]|\.(?:$|\W))`)
	// A reply code opens the text or follows punctuation or a word that
	// announces it, and it counts nothing: "size 552", "id 550" are no codes.
	replyCode = regexp.MustCompile(
		`(?:^|[;:,('"\[<>] ?|\b(?:smtp|error|code|status|reply|response|said|returned|with) )` +
			`(4[2-5]\d|5[0-5]\d)(?:$|[- :;,)'"\]>]|\.(?:$|\W))`)
	unit = regexp.MustCompile(`^ ?(?:[km]?b|bytes?|messages?|recipients?|m?s|sec|seconds?|minutes?|hours?|days?|times)\b`)
)

func findStatus(text string) status {
	if m := enhancedCode.FindStringSubmatch(text); m != nil {
		return status{class: m[1][0], subject: m[2], detail: m[3]}
	}
	for _, m := range replyCode.FindAllStringSubmatchIndex(text, -1) {
		if !unit.MatchString(text[m[3]:]) {
			return status{class: text[m[2]], reply: text[m[2]:m[3]]}
		}
	}
	return status{}
}

// Details of enhanced codes, from RFC 3463, the registry of RFC 5248, and what
// Exchange Online adds to it.
var (
	// A bad address of the sender, two of them, or too much mail from it today.
	senderDetails = []string{"1.7", "1.8", "1.20", "1.90"}
	// A disabled mailbox; a mailbox or a domain that has another owner now.
	addressDetails = []string{"2.1", "7.17", "7.18"}
	// A full mailbox is a state and no property of the address, whatever the first
	// digit says, as is a rate that was exceeded. 2.3 and 3.4 are size limits, 2.4
	// is a mailing list; 3.1, 3.2 and 3.5 are a server that is full, closed or set
	// up wrongly; 4.2 to 4.7 the network, except 4.4, a domain without a server;
	// 4.14 is a loop; 5.1 to 5.6 a misunderstanding between the servers. Not 4.1:
	// Exchange says it of an unknown recipient.
	deliveryDetails = []string{
		"2.2", "2.3", "2.4", "2.121", "2.122", "3.1", "3.2", "3.4", "3.5", "4.2", "4.3", "4.5", "4.6", "4.7", "4.14",
		"5.1", "5.2", "5.3", "5.4", "5.6",
	}
	// Reply codes of RFC 5321 and RFC 4954 that say nothing about the recipient: a
	// command or its parameters (500-504, 555), authentication (530-538), spam
	// (541), space (552), and 554, with which a server also refuses to talk at all:
	// hosts without a good name get it for every recipient.
	deliveryReplies = []string{"500", "501", "502", "503", "504", "530", "534", "535", "538", "541", "552", "554", "555"}
)

func (s status) aboutSender() bool { return s.in(senderDetails) }

// aboutAddress: every other 1.x is the recipient's address, too.
func (s status) aboutAddress() bool { return s.subject == "1" || s.in(addressDetails) }

// aboutDelivery: every 6.x is the content, every 7.x policy.
func (s status) aboutDelivery() bool {
	return s.subject == "6" || s.subject == "7" || s.in(deliveryDetails) || slices.Contains(deliveryReplies, s.reply)
}

func (s status) in(details []string) bool { return slices.Contains(details, s.subject+"."+s.detail) }
