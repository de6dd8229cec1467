package warehouse

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestMailbox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, domain, provider string }{
		{"", "", ""},
		{"no address", "", ""},
		{"a@GMAIL.com", "gmail.com", gmail},
		{"a@googlemail.com", "googlemail.com", gmail},
		{"a@outlook.fr", "outlook.fr", microsoft},
		{"a@hotmail.co.uk", "hotmail.co.uk", microsoft},
		{"a@live.com.mx", "live.com.mx", microsoft},
		{"a@yahoo.co.jp", "yahoo.co.jp", yahoo},
		{"a@aol.com", "aol.com", yahoo},
		{"a@icloud.com", "icloud.com", apple},
		{"x@privaterelay.appleid.com", "privaterelay.appleid.com", apple},
		{`"a@gmail.com"@live.example.com`, "live.example.com", other},
		{"a@yahoo.example", "yahoo.example", other},
		{"a@yahoo-inc.com", "yahoo-inc.com", other},
		{"a@live", "live", other},
	} {
		if domain, provider := mailbox(c.address); domain != c.domain || provider != c.provider {
			t.Errorf("mailbox(%q) = %q, %q; want %q, %q", c.address, domain, provider, c.domain, c.provider)
		}
	}
}

func TestStorablePayload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"plain", `{"x":"y"}`, `{"x":"y"}`},
		{"other escapes", `{"x":"\n\\\"\u00e9"}`, `{"x":"\n\\\"\u00e9"}`},
		{"a pair", `"\ud83d\ude00\uD83D\uDE00"`, `"\ud83d\ude00\uD83D\uDE00"`},
		{"first half", `"\ud83d x"`, `"\ufffd x"`},
		{"second half", `"x\ude00"`, `"x\ufffd"`},
		{"halves in the wrong order", `"\ude00\ud83d"`, `"\ufffd\ufffd"`},
		{"half before a pair", `"\ud83d\ud83d\ude00"`, `"\ufffd\ud83d\ude00"`},
		{"half before another escape", `"\ud83d\n\uD800\u0041"`, `"\ufffd\n\ufffd\u0041"`},
		{"escaped backslash", `"\\ud83d"`, `"\\ud83d"`},
		{"escaped backslash before a half", `"\\\ud83d"`, `"\\\ufffd"`},
		{"half in a key", `{"\ud83d":1}`, `{"\ufffd":1}`},
		{"no UTF-8", "\"\xff\"", "\"\ufffd\""},
		{"empty", "", ""},
	} {
		body := []byte(c.body)
		stored, altered := storablePayload(body)
		if string(stored) != c.want || altered != (c.body != c.want) {
			t.Errorf("%s: storablePayload(%q) = %q, %v; want %q", c.name, c.body, stored, altered, c.want)
		}
		if string(body) != c.body {
			t.Errorf("%s: the body has become %q", c.name, body)
		}
	}
}

// FuzzStorablePayload checks that the stored form means the same to encoding/json, is
// UTF-8 and does not change again.
func FuzzStorablePayload(f *testing.F) {
	f.Add([]byte(`{"x":"\ud83d\ude00\ud83d \\ude00"}`))
	f.Add([]byte("\"\xff\\udc00\""))
	f.Fuzz(func(t *testing.T, body []byte) {
		var before, after any
		if json.Unmarshal(body, &before) != nil {
			return
		}
		stored, altered := storablePayload(body)
		if err := json.Unmarshal(stored, &after); err != nil {
			t.Fatalf("%q is not JSON: %v", stored, err)
		}
		b, _ := json.Marshal(before)
		a, _ := json.Marshal(after)
		if !bytes.Equal(a, b) || !utf8.Valid(stored) {
			t.Fatalf("%q becomes %q", body, stored)
		}
		if again, changed := storablePayload(stored); changed {
			t.Fatalf("%q becomes %q and then %q (altered: %v)", body, stored, again, altered)
		}
	})
}
