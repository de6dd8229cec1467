package privacy

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// beside has the characters beside an address in a text.
const beside = " \t\r\n<>()[]{}\"'`,;:/\\|=?&#"

// ReplaceAddresses replaces every e-mail address in a text, such as the reason of a bounce
// or a link, by the result of a function. The function gets an address of a link or of a
// document without the escapes: "ann%40mail.example" is an address, too.
func ReplaceAddresses(text string, by func(address string) string) string {
	return replaceEscaped(replacePlain(text, by), by)
}

func replacePlain(text string, by func(address string) string) string {
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
	return text[:from] + replaced + replacePlain(text[to:], by)
}

// escaped matches an address whose at sign is escaped as in a link, also as in a link within
// a link, in JSON or in HTML. Its first group is an escape beside the address: of a
// character that no address has.
var escaped = func() *regexp.Regexp {
	word := "((?:[^@%" + regexp.QuoteMeta(beside) + "]|%(?:25)*(?:2[BbDdEe]|5[Ff]|7[Ee]|[89A-Fa-f][0-9A-Fa-f]))+)"
	edge := "(%(?:25)*(?:[013-46][0-9A-Fa-f]|2[0-9ACFacf]|5[0-9A-Ea-e]|7[0-9A-Da-dFf]))?"
	return regexp.MustCompile(edge + word + `(?:%(?:25)*40|\\u0040|&#64;|&#[xX]40;)` + word)
}()

func replaceEscaped(text string, by func(address string) string) string {
	if !strings.Contains(text, "40") && !strings.Contains(text, "&#64;") { // most texts
		return text
	}
	return escaped.ReplaceAllStringFunc(text, func(match string) string {
		words := escaped.FindStringSubmatch(match)
		domain := strings.TrimRight(words[3], ".")
		address := unescape(words[2]) + "@" + unescape(domain)
		if _, ok := webhook.AddrSpec(address); !ok {
			return match
		}
		return words[1] + by(address) + words[3][len(domain):]
	})
}

// unescape undoes the escapes of a link, and of a link within a link.
func unescape(word string) string {
	for strings.Contains(word, "%") {
		plain, err := url.PathUnescape(word)
		if err != nil {
			break
		}
		word = plain
	}
	return word
}
