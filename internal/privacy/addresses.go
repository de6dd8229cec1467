package privacy

import (
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// beside has the characters beside an address in a text.
const beside = " \t\r\n<>()[]{}\"'`,;:/\\|=?&#"

// ReplaceAddresses replaces every e-mail address in a text, such as the reason of a bounce
// or a link, by the result of a function.
func ReplaceAddresses(text string, by func(address string) string) string {
	at := strings.IndexByte(text, '@')
	if at < 0 {
		return text
	}
	from := strings.LastIndexAny(text[:at], beside) + 1
	to := len(text)
	if i := strings.IndexAny(text[at:], beside); i >= 0 {
		to = at + i
	}
	address := strings.TrimRight(text[from:to], ".")
	to = max(from+len(address), at+1)
	replaced := text[from:to]
	if _, ok := webhook.AddrSpec(address); ok {
		replaced = by(address)
	}
	return text[:from] + replaced + ReplaceAddresses(text[to:], by)
}
