package bigquery

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// alter moves refused rows back to b.todo, with JSON that BigQuery accepts in more cases.
// Each row moves back once at most. alter reports whether b.todo has rows.
//
// BigQuery refuses a JSON number that it cannot store exactly, such as 1e400, and its
// answer does not say whether a number is the reason. A row with its numbers as texts is
// worth more than no row.
func (b *batch) alter() bool {
	kept := b.rejected[:0]
	for _, r := range b.rejected {
		if b.altered[r.Index] == nil && b.alterRow(r.Index) {
			b.todo = append(b.todo, r.Index)
			continue
		}
		kept = append(kept, r)
	}
	b.rejected = kept
	return len(b.todo) > 0
}

// alterRow reports whether the row at the place has JSON to alter.
func (b *batch) alterRow(place int) bool {
	row := b.rows[place] // a copy: the rows are the caller's
	if row.Check() != nil {
		return false
	}
	payload, changed := numbersAsText(string(row.Raw))
	if changed {
		row.Raw, row.PayloadAltered = []byte(payload), new(true)
	}
	preferences, changedToo := numbersAsText(row.Preferences)
	row.Preferences = preferences
	if !changed && !changedToo {
		return false
	}
	if b.altered == nil {
		b.altered = map[int]*warehouse.Row{}
	}
	b.altered[place] = &row
	return true
}

// row returns the row at a place, altered if BigQuery has refused the original.
func (b *batch) row(place int) *warehouse.Row {
	if r := b.altered[place]; r != nil {
		return r
	}
	return &b.rows[place]
}

// numbersAsText puts each number of a JSON text in quotes, except integers of 64 bits.
// JSON_VALUE returns the same text for the number and for the text. The function
// reports whether the text has changed; invalid JSON stays unchanged.
func numbersAsText(text string) (string, bool) {
	if !json.Valid([]byte(text)) {
		return text, false
	}
	var out strings.Builder
	rest := text
	for rest != "" {
		n := tokenLength(rest)
		token := rest[:n]
		rest = rest[n:]
		if isWideNumber(token) {
			token = `"` + token + `"`
		}
		out.WriteString(token)
	}
	return out.String(), out.Len() != len(text)
}

// tokenLength returns the length of the string, of the number or of the other byte at the
// beginning of valid JSON.
func tokenLength(s string) int {
	if s[0] != '"' {
		return max(1, len(s)-len(strings.TrimLeft(s, "+-.0123456789eE")))
	}
	for i := 1; ; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// isWideNumber reports whether a token is a number and not an integer of 64 bits.
func isWideNumber(token string) bool {
	if token[0] != '-' && (token[0] < '0' || token[0] > '9') {
		return false
	}
	if _, err := strconv.ParseInt(token, 10, 64); err == nil {
		return false
	}
	_, err := strconv.ParseUint(token, 10, 64)
	return err != nil
}
