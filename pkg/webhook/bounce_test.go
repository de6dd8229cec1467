package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	hard    = webhook.BounceHard
	soft    = webhook.BounceSoft
	unknown = webhook.BounceUnknown
)

func TestClassifyBounce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		want webhook.BounceClass
		text string
	}{
		{"gmail, no account", hard, "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's address"},
		{"gmail, disabled", hard, "550 5.2.1 The email account that you tried to reach is disabled."},
		{"reply code alone", hard, "550"},
		{"reply code in brackets", hard, "delivery to joe@example.com gave up (550)"},
		{"reply code after words", hard, "SMTP error from remote server after RCPT TO:<joe@example.com>: 550 rejected"},
		{"postfix", hard, "host mx.example.com[192.0.2.7] said: 550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command)"},
		{"exchange with a hash", hard, "#5.1.10 smtp;550 RESOLVER.ADR.RecipientNotFound"},
		{"exchange, no such recipient", hard, "550 5.4.1 Recipient address rejected: Access denied."},
		{"no reply code", hard, "smtp; 5.1.2 bad destination system"},
		{"sentence end", hard, "Refused with status 5.1.1."},
		{"other permanent", hard, "554 5.5.0 requested action not taken"},
		{"undefined permanent", hard, "5.0.0 (permanent failure)"},
		{"policy code, but nobody there", hard, "550 5.7.1 <joe@example.com>: no such user here"},
		{"a mailbox that has moved", hard, "551 5.1.6 recipient has moved"},
		{"a domain that takes no mail", hard, "556 5.1.10 recipient address has a null MX"},
		{"a mailbox with another owner", hard, "550 5.7.17 mailbox owner has changed"},
		{"outlook, unavailable", hard, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)"},
		{"gmx, unavailable", hard, "550 Requested action not taken: mailbox unavailable"},
		{"yahoo, disabled", hard, "554 delivery error: dd Sorry, your message to joe@example.com cannot be delivered. This mailbox is disabled (554.30)."},
		{"yahoo, no recipient", hard, "554 delivery error: dd Not a valid recipient - atlas.example.com"},
		{"aol, discontinued", hard, "554 30 Sorry, your message cannot be delivered. This account has been disabled or discontinued [#102]."},
		{"exim, nobody", hard, "550 Unrouteable address"},
		{"closed", hard, "Account closed"},
		{"expired account", hard, "The mailbox has been expired"},
		{"a list of a provider", hard, "605 Not delivering to previously bounced address"},
		{"no domain", hard, "5.4.4 Host or domain name not found. Name service error for name=example.test type=MX: Host not found"},
		{"no domain, text only", hard, "Host or domain name not found"},
		{"no server", hard, "No MX for example.test"},
		{"exchange, no domain", hard, "550 5.4.310 DNS domain example.test does not exist"},
		{"text only", hard, "No such user here"},
		{"text only, unknown", hard, "Unknown recipient"},
		{"text only, invalid", hard, "Invalid Recipient"},
		{"text only, exists", hard, "mailbox joe@example.com doesn’t exist"},
		{"text only, address between", hard, "mailbox joe@example.com not found"},
		{"text only, other", hard, "This user doesn't have an example.com account (joe@example.com)"},
		{"a soft word in the address", hard, "550 no such user <full.quota.spam@timeout.example>"},

		{"reply code for space", soft, "552"},
		{"reply code of a closed door", soft, "554 IP=192.0.2.7 - A problem occurred. (Ask your postmaster for help)"},
		{"a host without a name", soft, "554-No SMTP service\n554-Bad DNS PTR resource record."},
		{"postfix at the greeting", soft, "host mx.example.com[192.0.2.7] refused to talk to me: 554 5.0.0"},
		{"postfix at the sender", soft, "host mx.example.com said: 550 5.0.0 not accepted (in reply to MAIL FROM command)"},
		{"postfix at the content", soft, "host mx.example.com said: 550 not accepted (in reply to end of DATA command)"},
		{"syntax", soft, "501 5.5.4 invalid arguments"},
		{"authentication", soft, "530 authentication required"},
		{"parameters", soft, "555 unsupported parameters"},
		{"system full", soft, "552 5.3.1 mail system full"},
		{"system closed", soft, "550 5.3.2 not accepting messages"},
		{"badly set up", soft, "550 5.3.5 system incorrectly configured"},
		{"congestion", soft, "550 5.4.5 Daily user sending quota exceeded"},
		{"loop", soft, "554 5.4.14 Hop count exceeded - possible mail loop"},
		{"loop, text only", soft, "Too many hops: mail loop"},
		{"sender's limit", soft, "550 5.1.90 your message can't be sent because you've reached your daily limit"},
		{"recipient's rate", soft, "550 5.2.121 recipient's per hour message receive limit exceeded"},
		{"limit", soft, "550 user has exceeded the maximum mailbox limit"},
		{"relay", soft, "550 relay access denied"},
		{"rbl", soft, "550 rejected, see zen-rbl"},
		{"no authentication", soft, "550 message not authenticated"},
		{"name server away", soft, "4.4.3 Host or domain name not found. Name service error: Host not found, try again"},
		{"name server away, text only", soft, "Host not found, try again"},
		{"unreachable", soft, "connect to mx.example.com: Network is unreachable"},
		{"temporary", soft, "421 4.7.0 Try again later"},
		{"temporary, reply code alone", soft, "450"},
		{"temporary, unknown for now", soft, "450 4.1.1 <joe@example.com>: Recipient address rejected: user unknown"},
		{"permanent reply, temporary cause", soft, "550 4.4.7 message expired"},
		{"overload", soft, "451-4.3.2 busy"},
		{"quota", soft, "452 4.2.2 The email account that you tried to reach is over quota"},
		{"quota as permanent", soft, "552 5.2.2 joe@example.com"},
		{"quota, text only", soft, "Mailbox full"},
		{"quota, other text", soft, "The user has exceeded their storage quota"},
		{"quota, reply code only", soft, "552 Mailbox is full"},
		{"greylisted", soft, "Greylisted, come back in five minutes"},
		{"deferred", soft, "Temporarily deferred due to user complaints"},
		{"rate", soft, "rate limited by the receiving host"},
		{"rate as permanent", soft, "550 5.2.0 this user is receiving mail at a rate that prevents more"},
		{"too large", soft, "552 5.3.4 message size exceeds fixed limit"},
		{"block list", soft, "550 5.7.1 Service unavailable; client host [192.0.2.7] blocked using a block list"},
		{"block list, no enhanced code", soft, "554 Your IP 192.0.2.7 has been blocked for poor reputation"},
		{"content", soft, "550 5.6.0 headers not compliant"},
		{"dmarc", soft, "550 5.7.26 unauthenticated mail is not accepted due to the domain's DMARC policy"},
		{"our name does not exist", soft, "550 the PTR record of your host does not exist"},
		{"our domain does not exist", soft, "553 5.1.8 <news@example.org>: Sender address rejected: domain does not exist"},
		{"our address, by code", soft, "550 5.1.7 bad address"},
		{"waited too long", soft, "554 5.4.7 delivery gave up"},
		{"timeout", soft, "connection timed out"},

		{"empty", unknown, ""},
		{"blank", unknown, " \n\t"},
		{"prose", unknown, "Something went wrong!"},
		{"an address of five parts", unknown, "gateway 192.168.5.1.1"},
		{"an address that begins like a code", unknown, "gateway [5.1.1.1]"},
		{"an address that begins like a temporary code", unknown, "gateway 4.2.2.2"},
		{"a version", unknown, "relay v5.1.1"},
		{"a date", unknown, "refused on 4.5.2026"},
		{"a larger number", unknown, "message 4500 bytes"},
		{"a size", unknown, "message size: 550 bytes"},
		{"an id", unknown, "queue id 550, batch 421"},
		{"an id with dashes", unknown, "ref a-550-1 and 20-421"},
		{"a success", unknown, "250 2.0.0 OK"},
		{"a code of no SMTP server", unknown, "605 given up"},
		{"a code in an address", unknown, "sent to 5.1.1@example.com"},
		{"invalid UTF-8", hard, "\xff\xfe 550 5.1.1 \xff"},
		{"the reason far behind", unknown, strings.Repeat("x ", 4<<10) + "550 5.1.1 no such user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := webhook.ClassifyBounce(c.text); got != c.want {
				t.Errorf("ClassifyBounce(%.80q) = %s, want %s", c.text, got, c.want)
			}
		})
	}
}

func FuzzClassifyBounce(f *testing.F) {
	for _, s := range []string{
		"", "550 5.1.1 no such user", "421 4.7.0 try again later", "192.168.5.1.1", "5.1.1.1",
		"552-5.2.2 over quota", "<joe@example.com>: 550", "\xff5.1.1", "4.5.6 5.1.1 4", "(550) 12 bytes",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := webhook.ClassifyBounce(s)
		if got != hard && got != soft && got != unknown {
			t.Errorf("ClassifyBounce(%q) = %q, which is not a class", s, got)
		}
		if again := webhook.ClassifyBounce(s); again != got {
			t.Errorf("ClassifyBounce(%q) = %s, then %s", s, got, again)
		}
		// Only the beginning of a long message is read.
		if len(s) > 4<<10 && webhook.ClassifyBounce(s[:4<<10]) != got {
			t.Errorf("ClassifyBounce(%q) reads beyond its beginning", s)
		}
		// White space and the text after the first 4 KiB carry no meaning.
		if padded := webhook.ClassifyBounce(" \n" + s); len(s) < 4<<10-2 && padded != got {
			t.Errorf("ClassifyBounce(%q) = %s, and %s with space before it", s, got, padded)
		}
	})
}

// BenchmarkClassifyBounceLong shows that the time is bounded: texts that are hard for the
// expressions take no longer at a megabyte than at 4 KiB.
func BenchmarkClassifyBounceLong(b *testing.B) {
	for _, part := range []string{"5.5.5.", "exceeds x x x ", "a@", "550 bytes ", "unknown unknown ", "é"} {
		for _, size := range []int{1 << 10, 4 << 10, 1 << 20} {
			text := strings.Repeat(part, size/len(part))
			b.Run(fmt.Sprintf("%s/%d", strings.TrimSpace(part), size), func(b *testing.B) {
				for b.Loop() {
					webhook.ClassifyBounce(text)
				}
			})
		}
	}
}

func BenchmarkClassifyBounce(b *testing.B) {
	text := "550-5.1.1 The email account that you tried to reach does not exist. Please try\n" +
		"550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces."
	for b.Loop() {
		webhook.ClassifyBounce(text)
	}
}
