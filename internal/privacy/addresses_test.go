package privacy_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
)

func TestReplaceAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"no address":                  "no address",
		"@":                           "@",
		"a@":                          "a@",
		"@b":                          "@b",
		"a@b":                         "X",
		"550 <a.b+c@d.example>: x":    "550 <X>: x",
		"a@b, c@d; (e@f.)":            "X, X; (X.)",
		"https://x.example/a@b?c=d@e": "https://x.example/X?c=X",
		"a@b@c d@e":                   "a@b@c X",

		"https://x.example/u/a%40b/c":                "https://x.example/u/X/c",
		"https://x.example/?e=a.b%2Bc%40d.example&n": "https://x.example/?e=X&n",
		"?next=u%253Fe%253Da%2540b%2526n":            "?next=u%253Fe%253DX%2526n",
		"%3Ca%40b.%3E":                               "%3CX.%3E",
		`{"a":"b\u0040c",`:                           `{"a":"X",`,
		"a&#64;b a&#x40;b":                           "X X",
		"%40 a%40 %40b 40 a40b":                      "%40 a%40 %40b 40 a40b",
	} {
		if got := privacy.ReplaceAddresses(text, func(string) string { return "X" }); got != want {
			t.Errorf("%q becomes %q; want %q", text, got, want)
		}
	}
	privacy.ReplaceAddresses("https://x.example/a%2Bb%40mail.example", func(address string) string {
		if address != "a+b@mail.example" {
			t.Errorf("the address of a link is %q", address)
		}
		return ""
	})
}
