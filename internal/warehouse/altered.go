package warehouse

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// storablePayload returns the body in a form that every warehouse stores as JSON, and
// whether the form differs from the body: U+FFFD replaces bytes that are not UTF-8, and
// halves of surrogate pairs, as in Parse.
func storablePayload(body []byte) ([]byte, bool) {
	stored := withoutHalfPairs(body)
	if !utf8.Valid(stored) {
		stored = bytes.ToValidUTF8(stored, []byte(replacement))
	}
	return stored, len(body) > 0 && (len(stored) != len(body) || &stored[0] != &body[0])
}

// withoutHalfPairs replaces each escape of half a surrogate pair with the escape of
// U+FFFD, which has as many bytes. DuckDB and BigQuery take a text with such an escape
// for invalid JSON. The function returns body itself when there is nothing to replace,
// and never changes body.
func withoutHalfPairs(body []byte) []byte {
	copied := false
	for i := nextEscape(body, 0); i >= 0; {
		half := surrogate(body[i:])
		switch {
		case half == 0:
			i = nextEscape(body, i+2)
			continue
		case utf16.DecodeRune(half, surrogate(body[i+escapeSize:])) != utf8.RuneError:
			i = nextEscape(body, i+2*escapeSize)
			continue
		}
		if !copied {
			body, copied = bytes.Clone(body), true
		}
		copy(body[i:], `\ufffd`)
		i = nextEscape(body, i+escapeSize)
	}
	return body
}

// escapeSize is the length of an escape such as \ud83d.
const escapeSize = 6

// nextEscape returns the index of the first backslash from i on, -1 for none.
func nextEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	n := bytes.IndexByte(b[i:], '\\')
	if n < 0 {
		return -1
	}
	return i + n
}

// surrogate returns the half of a surrogate pair whose escape is at the beginning of b,
// 0 for anything else.
func surrogate(b []byte) rune {
	if len(b) < escapeSize || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(b[2:escapeSize]), 16, 16)
	if err != nil || !utf16.IsSurrogate(rune(n)) {
		return 0
	}
	return rune(n)
}
