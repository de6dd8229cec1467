package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// controls reports whether a terminal could interpret a part of the output.
func controls(output string) bool {
	return !utf8.ValidString(output) || strings.ContainsFunc(output, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) })
}

// The kind of fault: a text of a stranger reaches the terminal.
func TestTableOfHostileTexts(t *testing.T) {
	t.Parallel()
	hostile := "550 \x1b]0;X\a\x1b[2J\tb\nc\u202e\x9b1m " + strings.Repeat("x", 8_000_000)
	table := func(w io.Writer) { row(w, 1, hostile, map[string]any{"\u009b": "\x1b\u202e"}, nil) }
	var shown, whole bytes.Buffer
	if err := (&output{format: "table"}).print(&shown, nil, table); err != nil {
		t.Fatal(err)
	}
	if got := shown.String(); controls(got) || strings.Count(got, "\n") != 1 || len(got) > 2*cellWidth || !strings.Contains(got, "x…  ") {
		t.Errorf("table: %d bytes, %.300q", len(got), got)
	}
	if err := (&output{format: "table", raw: true}).print(&whole, nil, table); err != nil || !strings.HasPrefix(whole.String(), "1\t"+hostile+"\t") {
		t.Errorf("raw: %v, %.300q", err, whole.String())
	}
	shown.Reset()
	if err := (&output{format: "json"}).print(&shown, map[string]string{"a": hostile[:40] + "\x7f\u009b"}, nil); err != nil || controls(shown.String()) {
		t.Errorf("json: %v, %q", err, shown.String())
	}
}
