package terminal

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns a writer that escapes, in JSON, the characters that Line replaces:
// encoding/json and zerolog escape C0 only. A decoder reads the same texts, except that
// bytes that are not UTF-8 become U+FFFD. Each Write must end between two characters, as
// the writes of an encoder do.
func JSON(w io.Writer) io.Writer { return escaper{w} }

type escaper struct{ w io.Writer }

func (e escaper) Write(doc []byte) (int, error) {
	if _, err := e.w.Write(escape(doc)); err != nil {
		return 0, err
	}
	return len(doc), nil
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
