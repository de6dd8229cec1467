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
	} {
		if got := privacy.ReplaceAddresses(text, func(string) string { return "X" }); got != want {
			t.Errorf("%q becomes %q; want %q", text, got, want)
		}
	}
}
