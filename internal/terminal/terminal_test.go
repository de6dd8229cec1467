package terminal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/terminal"
)

// hostile has a character of each kind that a terminal may interpret: C0 and DEL, C1 as a
// character and as a byte, a change of direction, an invisible tag.
const hostile = "550 \x1b]0;X\a\x1b[2J\b\x7f\u009b31m\x9b31m\u202eabc\u2066\u200b\ufeff\U000e0041\u2028 – grüße 日本 👍"

func printable(text, allowed string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Zl, unicode.Zp) && !strings.ContainsRune(allowed, r)
	}) < 0
}

func TestLine(t *testing.T) {
	t.Parallel()
	if got := terminal.Line(hostile + "\r\n\t."); !printable(got, "") || !strings.HasSuffix(got, " – grüße 日本 👍   .") || !strings.HasPrefix(got, "550 \ufffd]0;X\ufffd") {
		t.Errorf("Line: %q", got)
	}
	if got := terminal.Text("a\tb\x1b[2J\r\nc"); got != "a\tb\ufffd[2J \nc" {
		t.Errorf("Text: %q", got)
	}
	for c := range rune(unicode.MaxRune) {
		if !printable(terminal.Line(string(c)), "") {
			t.Fatalf("%U stays", c)
		}
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		"grüße":                          "grüße",
		"grüßen":                         "grüß…",
		"\x1b\x1b\x1b\x1b\x1b\x1b":       "\ufffd\ufffd\ufffd\ufffd…",
		"\x9b\x9b\x9b\x9b\x9b":           "\ufffd\ufffd\ufffd\ufffd\ufffd",
		strings.Repeat("x", 8_000_000):   "xxxx…",
		"ab\ncd":                         "ab cd",
		"e\u0301e\u0301e\u0301e\u0301xx": "e\u0301e\u0301…",
	} {
		if got := terminal.Cell(text, 5); got != want {
			t.Errorf("Cell(%.20q) = %q, want %q", text, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	raw := json.RawMessage(`{"message":"` + strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(hostile, "\x1b", ""), "\a", ""), "\b", "") + `"}`)
	enc := json.NewEncoder(terminal.JSON(&out))
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"text": hostile, "body": raw}); err != nil {
		t.Fatal(err)
	}
	if !printable(out.String(), "\n") {
		t.Errorf("JSON: %q", out.String())
	}
	var back struct{ Text string }
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Text != strings.ToValidUTF8(hostile, "\ufffd") {
		t.Errorf("decoded: %q, %v", back.Text, err)
	}
}

// A writer with a buffer of its own, such as bufio's, splits characters.
func TestJSONInParts(t *testing.T) {
	t.Parallel()
	var whole, parts bytes.Buffer
	doc := []byte(`{"a":"ü日👍` + "\x9b\u009b\u202e\xe2\x80" + `"}` + "\n")
	if _, err := terminal.JSON(&whole).Write(doc); err != nil {
		t.Fatal(err)
	}
	w := terminal.JSON(&parts)
	for i := range doc {
		if n, err := w.Write(doc[i : i+1]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if parts.String() != whole.String() || !json.Valid(parts.Bytes()) || !strings.Contains(parts.String(), `ü日👍\ufffd\u009b\u202e`) {
		t.Errorf("in parts %q, whole %q", parts.String(), whole.String())
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stream := range []any{&bytes.Buffer{}, null, nil} {
		if terminal.Is(stream) {
			t.Errorf("%T is a terminal", stream)
		}
	}
}
