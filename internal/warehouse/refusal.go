package warehouse

import (
	"regexp"
	"strings"
	"sync"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Refusals of a mailbox provider, by the sender's fault.
const (
	// Unauthenticated means that SPF, DKIM or DMARC of the sender's domain failed.
	Unauthenticated = "unauthenticated"
	// Blocked means that the provider refused the sender for another reason, such as a
	// block list, the reputation or the content.
	Blocked = "blocked"
)

// The expressions of RE2, which Go, DuckDB and BigQuery share.
//
// The codes of unauthenticatedPattern are those of RFC 7372 without 7.25, which is about
// the host's name, of Gmail (7.26, 7.27, 7.30 to 7.32 and 7.40,
// https://support.google.com/a/answer/3726730) and of Microsoft (7.509 and 7.515,
// https://support.microsoft.com/topic/34cfe8f8-6fbf-457e-9e8b-9e4dbaf4e0ef). A first digit
// of 4 is the same fault: Gmail slows the sender down before it refuses the sender.
//
// In blockedPattern, 554 counts alone and not in front of another enhanced code:
// "554 5.4.14" is a mail loop.
const (
	unauthenticatedPattern = `(?i)(?:^|[^\w.])[45]\.7\.(?:2[0-467]|3[0-2]|40|509|515)(?:$|[^\w.]|\.(?:$|\W))` +
		`|\bunauthenticated\b|\bauthentication (?:information|checks|level)\b`
	blockedPattern = `(?i)(?:^|[^\w.])(?:5\.7\.\d{1,3}(?:$|[^\w.]|\.(?:$|\W))|554(?:\W*$|\W+(?:[^\W45]|[45](?:$|[^.]))))` +
		`|\b(?:blocked|(?:black|block|deny)[ -]?list(?:ed)?)\b`
)

// maxRefusal bounds how much of a failure message is read, in bytes. The views read as
// many characters.
const maxRefusal = 4 << 10

var (
	unauthenticated = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(unauthenticatedPattern) })
	blocked         = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(blockedPattern) })
)

// Refusal returns how the provider refused the sender of the e-mail in a bounce or a
// deferral: Unauthenticated, Blocked, or "" for another failure. A hard bounce is a fault
// of the address, also with a code of a refusal ("550 5.7.1 no such user").
func (r *Row) Refusal() string {
	bounced := r.Metric == webhook.Bounced
	if r.ObjectType != webhook.Email || !bounced && r.Metric != webhook.Deferred || r.Bounce == string(webhook.BounceHard) {
		return ""
	}
	text := strings.ToValidUTF8(r.FailureMessage[:min(len(r.FailureMessage), maxRefusal)], "")
	switch {
	case unauthenticated().MatchString(text):
		return Unauthenticated
	case bounced && blocked().MatchString(text):
		return Blocked
	default:
		return ""
	}
}
