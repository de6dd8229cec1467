package bigqueryfake

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth is the "nesting limit" in Google's page on JSON data.
const maxJSONDepth = 500

// checkJSON returns an error for a text that a JSON column refuses. BigQuery accepts less
// than encoding/json:
//
//   - 500 nested objects and arrays at most
//   - no escape of half a surrogate pair
//   - numbers "that can be stored without loss of precision", as PARSE_JSON does by
//     default (https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#parse_json)
//
// BigQuery is said to refuse some other numbers, such as 67.174118. The fake does not.
func checkJSON(s string) error {
	if !json.Valid([]byte(s)) {
		return errors.New("invalid JSON")
	}
	var c jsonCheck
	for i := 0; i < len(s) && c.err == nil; {
		i += c.token(s[i:])
	}
	if c.err == nil && c.deepest > maxJSONDepth {
		return errors.New("JSON is nested too deeply")
	}
	return c.err
}

type jsonCheck struct {
	depth, deepest int
	err            error
}

// token checks the token at the beginning of s and returns its length.
func (c *jsonCheck) token(s string) int {
	switch b := s[0]; {
	case b == '{' || b == '[':
		c.depth++
		c.deepest = max(c.deepest, c.depth)
	case b == '}' || b == ']':
		c.depth--
	case b == '"':
		return c.text(s)
	case b == '-' || '0' <= b && b <= '9':
		number := s[:len(s)-len(strings.TrimLeft(s, "+-.0123456789eE"))]
		if !exact(number) {
			c.err = errors.New("JSON number out of range or not exact: " + number)
		}
		return len(number)
	}
	return 1
}

// text checks the string at the beginning of s and returns its length.
func (c *jsonCheck) text(s string) int {
	for i := 1; ; {
		switch {
		case s[i] == '"':
			return i + 1
		case s[i] != '\\':
			i++
		case s[i+1] != 'u':
			i += 2
		default:
			r := escaped(s[i:])
			if utf16.IsSurrogate(r) {
				i += 6
				if utf16.DecodeRune(r, escaped(s[i:])) == utf8.RuneError {
					c.err = errors.New("JSON text has half a surrogate pair")
				}
			}
			i += 6
			if c.err != nil {
				return len(s)
			}
		}
	}
}

// escaped returns the rune of an escape such as \u00e9 at the beginning of s, 0 for none.
func escaped(s string) rune {
	if !strings.HasPrefix(s, `\u`) {
		return 0
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

// exact reports whether a number is an integer of 64 bits, or equals the shortest text of
// its float64.
func exact(number string) bool {
	if _, err := strconv.ParseInt(number, 10, 64); err == nil {
		return true
	}
	if _, err := strconv.ParseUint(number, 10, 64); err == nil {
		return true
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return false
	}
	if f == 0 { // a Rat of 1e-999999999 would need a gigabyte
		digits, _, _ := strings.Cut(strings.ToLower(number), "e")
		return strings.Trim(digits, "-.0") == ""
	}
	given, _ := new(big.Rat).SetString(number)
	short, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	return given.Cmp(short) == 0
}
