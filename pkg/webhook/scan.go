package webhook

import (
	"encoding/binary"
	"math/bits"
)

// The functions of this file scan JSON in place. Each function takes the index of a
// token or value and returns the index after it, or -1 for invalid JSON. Together the
// functions accept exactly the JSON that encoding/json's Valid accepts.
//
// The scanner exists for two reasons. ingest reads three members of a body while
// Customer.io waits. And a body is hostile until its signature has been checked: the
// scanner never recurses, and allocates nothing for the first 64 levels of nesting.

// maxDepth is the limit of nesting in encoding/json.
const maxDepth = 10000

// valid reports whether b is a single JSON value.
func valid(b []byte) bool {
	i := skipValue(b, skipSpace(b, 0), 0)
	return i >= 0 && skipSpace(b, i) == len(b)
}

// skipValue skips the value at b[i], which is nested in depth containers.
func skipValue(b []byte, i, depth int) int {
	var open nesting
scan:
	for i >= 0 && i < len(b) {
		switch c := b[i]; c {
		case '{', '[':
			if depth+open.depth == maxDepth {
				return -1
			}
			open.push(c)
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == open.closer() {
				break // empty: closed below
			}
			if c == '{' {
				_, i = skipKey(b, i)
			}
			continue
		default:
			i = skipScalar(b, i)
		}
		for open.depth > 0 {
			i = skipSpace(b, i)
			switch {
			case i < 0 || i >= len(b):
				return -1
			case b[i] == open.closer():
				open.pop()
				i++
			case b[i] == ',':
				i = skipSpace(b, i+1)
				if open.closer() == '}' {
					_, i = skipKey(b, i)
				}
				continue scan
			default:
				return -1
			}
		}
		return i
	}
	return -1
}

// skipKey skips a key of an object and the colon. It returns the index after the key
// and the index of the value, which is -1 for invalid JSON.
func skipKey(b []byte, i int) (end, value int) {
	if i >= len(b) || b[i] != '"' {
		return i, -1
	}
	end = skipString(b, i)
	i = skipSpace(b, end)
	if i < 0 || i >= len(b) || b[i] != ':' {
		return end, -1
	}
	return end, skipSpace(b, i+1)
}

func skipScalar(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	default:
		return skipNumber(b, i)
	}
}

func skipWord(b []byte, i int, word string) int {
	if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
		return end
	}
	return -1
}

// skipSpace skips white space. It returns -1 for -1.
func skipSpace(b []byte, i int) int {
	for uint(i) < uint(len(b)) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString skips the string whose opening quote is b[i].
func skipString(b []byte, i int) int {
	for i++; ; {
		i = skipPlain(b, i)
		switch {
		case i >= len(b):
			return -1
		case b[i] == '"':
			return i + 1
		case b[i] != '\\': // a control character
			return -1
		}
		if i = skipEscape(b, i); i < 0 {
			return -1
		}
	}
}

// skipPlain skips to the next byte that means something in a string: a quote, a
// backslash or a control character. It looks at eight bytes at a time.
func skipPlain(b []byte, i int) int {
	for ; len(b)-i >= 8; i += 8 {
		if marks := special(binary.LittleEndian.Uint64(b[i:])); marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

// special sets the high bit of each byte of x at which skipPlain stops. A borrow can
// also mark bytes above a marked byte, so only the lowest mark counts.
func special(x uint64) uint64 {
	const ones = 0x0101010101010101
	quote, backslash := x^ones*'"', x^ones*'\\'
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (x-ones*' ')&^x) & (ones << 7)
}

func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for n := 2; n < 6; n++ {
			if i+n >= len(b) || !isHex(b[i+n]) {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// skipNumber skips a number. It stops after a leading 0, so that in 01 the caller finds
// an invalid 1.
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = skipDigits(b, i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits skips digits. It returns -1 without a digit.
func skipDigits(b []byte, i int) int {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// nesting records the open containers with a bit each: 1 for an object, 0 for an array.
// The lowest bit of top is the innermost container. After every 64 levels top moves to
// deep.
type nesting struct {
	depth int
	top   uint64
	deep  []uint64
}

func (n *nesting) push(c byte) {
	if n.depth > 0 && n.depth%64 == 0 {
		n.deep = append(n.deep, n.top)
	}
	n.top <<= 1
	if c == '{' {
		n.top |= 1
	}
	n.depth++
}

func (n *nesting) pop() {
	n.top >>= 1
	n.depth--
	if last := len(n.deep) - 1; last >= 0 && n.depth%64 == 0 {
		n.top, n.deep = n.deep[last], n.deep[:last]
	}
}

// closer returns the byte that ends the innermost container.
func (n *nesting) closer() byte {
	if n.top&1 == 1 {
		return '}'
	}
	return ']'
}
