package terminal

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns a writer that escapes, in JSON, the characters that Line replaces:
// encoding/json and zerolog escape C0 only. A decoder reads the same texts, except that
// bytes that are not UTF-8 become U+FFFD. A Write may end inside a character. Concurrent
// writes are safe if w's are, and if each ends a line, as those of a logger do.
func JSON(w io.Writer) io.Writer { return &escaper{w: w} }

type escaper struct {
	w    io.Writer
	rest []byte // the beginning of a character
}

func (e *escaper) Write(doc []byte) (int, error) {
	text := doc
	if len(e.rest) > 0 {
		text = slices.Concat(e.rest, doc)
		e.rest = nil
	}
	if end := wholeRunes(text); end < len(text) {
		text, e.rest = text[:end], bytes.Clone(text[end:])
	}
	if _, err := e.w.Write(escape(text)); err != nil {
		return 0, err
	}
	return len(doc), nil
}

// wholeRunes returns the length of text without an incomplete character at the end.
func wholeRunes(text []byte) int {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return i
			}
			break
		}
	}
	return len(text)
}

// escape leaves C0 as it is: in JSON, C0 is white space between tokens.
func escape(doc []byte) []byte {
	if bytes.IndexFunc(doc, needsEscape) < 0 {
		return doc
	}
	var b bytes.Buffer
	for _, r := range string(doc) { // a byte that is not UTF-8 is utf8.RuneError here
		if !needsEscape(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.Bytes()
}

func needsEscape(r rune) bool { return r >= 0x7f && unsafe(r) || r == utf8.RuneError }
