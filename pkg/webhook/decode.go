package webhook

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A document reads values of a valid body. The methods never fail: a value of an
// unusable type counts as absent.
type document struct {
	body []byte
	// whole is the body as a string. Texts are slices of whole, so that an event
	// with 15 texts costs a single allocation or none. If whole is "", each text is copied.
	whole string
	// isUTF8 says that the body is UTF-8, and so is each of its texts.
	isUTF8 bool
}

// text reads a string, or a number or a boolean as spelled.
func (d *document) text(v span) string {
	if v == (span{}) {
		return ""
	}
	switch d.body[v.lo] {
	case '"':
		return d.str(v)
	case 'n', '{', '[':
		return ""
	default:
		return d.slice(v)
	}
}

// textOrJSON is text, or the JSON of an array or an object. A recipient that nobody can
// read must not look like a missing recipient.
func (d *document) textOrJSON(v span) string {
	if d.begins(v, '[') || d.begins(v, '{') {
		return strings.ToValidUTF8(d.slice(v), string(utf8.RuneError))
	}
	return d.text(v)
}

// begins reports whether the value is present and begins with c.
func (d *document) begins(v span, c byte) bool {
	return v != (span{}) && d.body[v.lo] == c
}

// object walks through an object. A value of another type has no members.
func (d *document) object(v span) walker { return walk(d.body[:v.hi], v.lo, '{') }

// list walks through an array. A value of another type has no elements.
func (d *document) list(v span) walker { return walk(d.body[:v.hi], v.lo, '[') }

// member returns the value of a key of an object, the last of several.
func (d *document) member(object span, key string) span {
	var found span
	w := d.object(object)
	for w.next() {
		if string(w.name()) == key {
			found = w.value
		}
	}
	return found
}

func (d *document) str(v span) string {
	s := d.slice(span{v.lo + 1, v.hi - 1})
	if strings.IndexByte(s, '\\') < 0 && (d.isUTF8 || utf8.ValidString(s)) {
		return s
	}
	return unquote(d.body[v.lo:v.hi])
}

func (d *document) slice(v span) string {
	if d.whole != "" {
		return d.whole[v.lo:v.hi]
	}
	return string(d.body[v.lo:v.hi])
}

// word reads an object type, a metric or an event type: trimmed and in lower case.
func (d *document) word(v span) string {
	return strings.ToLower(strings.TrimSpace(d.text(v)))
}

// integer reads 5, 5.0 and "5" as 5, and any value that is not an int64 as 0.
func (d *document) integer(v span) int64 {
	s := strings.TrimSpace(d.text(v))
	if s == "" {
		return 0
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, ok := float(s)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0
	}
	return int64(f)
}

// link reads a link_id that is an integer as an integer, and another link_id that is a
// text as a name.
func (d *document) link(v span) (id int64, name string) {
	if id = d.integer(v); id == 0 && d.begins(v, '"') {
		name = d.str(v)
	}
	return id, name
}

// integerOrText reads an id as a text, and as an integer too if it is one. The text of
// an integer is its usual spelling: 5.0 is "5".
func (d *document) integerOrText(v span) (int64, string) {
	if n := d.integer(v); n != 0 {
		return n, strconv.FormatInt(n, 10)
	}
	return 0, d.text(v)
}

// float reads a number in the syntax of JSON, without "inf" and hexadecimal.
func float(s string) (float64, bool) {
	if s == "" || skipNumber([]byte(s), 0) != len(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// flag reads true, "true", 1 and "1", and their opposites.
func (d *document) flag(v span) *bool {
	switch d.text(v) {
	case "true", "1":
		return new(true)
	case "false", "0":
		return new(false)
	}
	return nil
}

// From firstMilli on, a timestamp is in milliseconds, and from firstMicro on in
// microseconds. In seconds, firstMilli would be in the year 5138.
const (
	firstMilli = 1e11
	firstMicro = 1e14
)

// timestamp reads a unix time, also with a fraction or in quotes, or RFC 3339.
func (d *document) timestamp(v span) time.Time {
	s := strings.TrimSpace(d.text(v))
	if s == "" {
		return time.Time{}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return plausible(unixInt(n))
	}
	if f, ok := float(s); ok {
		return plausible(unixFloat(f))
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return plausible(t)
}

func unixInt(n int64) time.Time {
	switch {
	case n >= firstMicro:
		return time.UnixMicro(n)
	case n >= firstMilli:
		return time.UnixMilli(n)
	default:
		return time.Unix(n, 0)
	}
}

// unixFloat rounds to microseconds, the precision of a float64 for current times.
func unixFloat(f float64) time.Time {
	switch {
	case f >= firstMicro:
		f /= 1e6
	case f >= firstMilli:
		f /= 1e3
	}
	if f < 0 || f > firstMicro {
		return time.Time{}
	}
	return time.UnixMicro(int64(math.Round(f * 1e6)))
}

// plausible returns the zero time for the unix epoch and earlier times, which stand
// for an absent time, and for times after the year 9999, which warehouses cannot
// store.
func plausible(t time.Time) time.Time {
	t = t.UTC()
	if t.Unix() <= 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
