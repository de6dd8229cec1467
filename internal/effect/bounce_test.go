package effect_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/effect"
)

const (
	hard    = effect.BounceHard
	soft    = effect.BounceSoft
	unknown = effect.BounceUnknown
)

func TestClassifyBounce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		want effect.BounceClass
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
		{"text only", hard, "No such user here"},
		{"text only, unknown", hard, "Unknown recipient"},
		{"text only, invalid", hard, "Invalid Recipient"},
		{"text only, exists", hard, "mailbox joe@example.com doesn’t exist"},
		{"text only, address between", hard, "mailbox joe@example.com not found"},
		{"text only, other", hard, "This user doesn't have an example.com account (joe@example.com)"},
		{"a soft word in the address", hard, "550 no such user <full.quota.spam@timeout.example>"},

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
			if got := effect.ClassifyBounce(c.text); got != c.want {
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
		got := effect.ClassifyBounce(s)
		if got != hard && got != soft && got != unknown {
			t.Errorf("ClassifyBounce(%q) = %q, which is no class", s, got)
		}
		if again := effect.ClassifyBounce(s); again != got {
			t.Errorf("ClassifyBounce(%q) = %s, then %s", s, got, again)
		}
		// Space, case and what comes far behind carry no meaning.
		if padded := effect.ClassifyBounce(" \n" + s); len(s) < 4<<10-2 && padded != got {
			t.Errorf("ClassifyBounce(%q) = %s, and %s with space before it", s, got, padded)
		}
	})
}

func BenchmarkClassifyBounce(b *testing.B) {
	text := "550-5.1.1 The email account that you tried to reach does not exist. Please try\n" +
		"550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces."
	for b.Loop() {
		effect.ClassifyBounce(text)
	}
}
