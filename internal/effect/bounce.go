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
	case passing.MatchString(text), refused.MatchString(text), code.aboutMessage():
		return BounceSoft
	case code.class == '5':
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
		`sender (address|domain|verify|rejected|denied)`, `(ptr|spf|dkim|dmarc) record`,
		`reverse dns`, `rdns`, `helo`, `ehlo`,
	)
	gone = phrases(
		`(does not|doesn't|do not|did not|no longer) exists?`, `no such (user|mailbox|recipient|address|person|account|domain)`,
		`(user|recipient|mailbox|address|account)( is| was)? (unknown|not found|disabled|inactive|deactivated|invalid)`,
		`(account|mailbox|user) (has been|that you tried to reach is) (disabled|deleted|suspended|inactive)`,
		`(unknown|invalid|nonexistent|non-existent) (user|recipient|mailbox|address|account)`,
		`(not a|no) (valid|known) (user|recipient|mailbox|address|account)`, `no mailbox here`,
		`doesn't have an? \S+ account`, `bad destination mailbox`, `no longer (valid|in use|with us|works here|employed)`,
	)
	passing = phrases(
		`(over)?quota`, `(mailbox|inbox|is) full`,
		`out of (disk |storage )?space`, `insufficient (system |disk )?(storage|resources|space)`,
		`gr[ea]y-?list\w*`, `try (again|later)`, `temporar(y|ily)`, `deferr(ed|al)`, `rate[ -]?limit\w*`, `throttl(ed|ing)`,
		`too many`, `at a rate`, `too quickly`, `tim(ed|e) ?out`, `connection (refused|reset|lost|closed|dropped)`,
		`too (large|big|busy)`, `size (limit|exceeds)`, `exceeds \S+( \S+)? (size|limit)`, `expired`,
	)
	refused = phrases(
		`spam\w*`, `unsolicited`, `(black|block|deny)[ -]?list(ed)?`, `blocked`,
		`reputation`, `polic(y|ies)`, `spf`, `dkim`, `dmarc`, `virus`, `malware`, `phishing`, `content (rejected|filter)`,
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
// and the rest of an enhanced code, "" for a plain reply code.
type status struct {
	class           byte
	subject, detail string
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
			return status{class: text[m[2]]}
		}
	}
	return status{}
}

// aboutSender: 5.1.7 and 5.1.8 are a bad address of the sender.
func (s status) aboutSender() bool {
	return s.subject == "1" && (s.detail == "7" || s.detail == "8")
}

// aboutAddress: 5.1.x is the recipient's address, 5.2.1 a disabled mailbox.
func (s status) aboutAddress() bool {
	return s.subject == "1" || s.subject == "2" && s.detail == "1"
}

// aboutMessage: 5.2.2 is a full mailbox, which is a state and no property of the
// address, whatever the first digit says. 5.2.3 and 5.3.4 are size limits, 5.4.7 a
// message that waited too long, 5.6.x the content, 5.7.x policy.
func (s status) aboutMessage() bool {
	return slices.Contains([]string{"6", "7"}, s.subject) ||
		slices.Contains([]string{"2.2", "2.3", "3.4", "4.7"}, s.subject+"."+s.detail)
}
