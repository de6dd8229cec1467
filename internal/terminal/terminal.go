// Package terminal makes texts of strangers safe to print. The operator of a recipient's
// mail server, for example, writes the reason of a bounce: escape sequences in the reason
// could set the title of a window, clear the screen or hide a line.
package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// Is reports whether a stream, such as os.Stdout, is a terminal.
func Is(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}

// Line returns a text as one line without control characters. Blanks replace tabs and
// line breaks; U+FFFD replaces the other controls, formatting such as the reversal of
// the direction of writing, and bytes that are not UTF-8.
func Line(text string) string { return clean(text, "") }

// Text is Line for several lines: line breaks and tabs stay.
func Text(text string) string { return clean(text, "\n\t") }

// Cell returns a text as Line does, cut to a number of characters. The last character of
// a cut text is "…".
func Cell(text string, width int) string {
	n := 0
	for i := range text {
		n++
		if n > width {
			return Line(cut(text[:i])) + "…"
		}
	}
	return Line(text)
}

// cut removes the last character.
func cut(text string) string {
	_, size := utf8.DecodeLastRuneInString(text)
	return text[:len(text)-size]
}

func clean(text, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r):
			return r
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unsafe(r):
			return utf8.RuneError
		default:
			return r // of a byte that is not UTF-8, Map makes utf8.RuneError
		}
	}, text)
}

// unsafe reports whether a terminal may interpret a character instead of printing it: C0,
// DEL and C1, the separators of lines and paragraphs, and Unicode's format characters
// (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
func unsafe(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
