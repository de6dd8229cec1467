package stream

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A matcher tells whose event a body is. A matcher is not safe for concurrent use.
type matcher struct {
	search *privacy.Search
	// needles are texts in lower case. A body without a backslash and outside of ASCII
	// that is about one of the persons contains one of them.
	needles [][]byte
	event   webhook.Event
	lower   []byte
}

func newMatcher(persons []privacy.Person) *matcher {
	m := &matcher{search: privacy.NewSearch(persons, nil)}
	for _, p := range persons {
		for _, id := range p.Identifiers {
			m.needles = append(m.needles, []byte(needle(id)))
		}
	}
	return m
}

// needle returns the part of an identifier that stands in every body without a backslash
// about the person. Of an address that is the local part: RFC 5322 allows white space and
// comments around the "@".
func needle(id privacy.Identifier) string {
	text := id.Value
	if i := strings.LastIndexByte(text, '@'); id.Kind == privacy.Email && i > 0 {
		text = text[:i]
	}
	return strings.ToLower(text)
}

// match returns the indexes of the persons and the event of a body. The event is valid until
// the next call. A body that is no event is nobody's.
func (m *matcher) match(workspace string, body []byte) ([]int, *webhook.Event, bool) {
	if !slices.Contains(m.search.Workspaces(), workspace) || !m.mayMatch(body) || webhook.ParseInto(&m.event, body) != nil {
		return nil, nil, false
	}
	persons, ok := m.search.Match(workspace, &m.event)
	return persons, &m.event, ok
}

// mayMatch reports whether a body has to be parsed. A backslash may hide a character of an
// identifier (A), and outside of ASCII one letter has several spellings; both are rare
// enough to parse the body. Of 600 bytes mayMatch takes a tenth of the time of a parser.
func (m *matcher) mayMatch(body []byte) bool {
	m.lower = m.lower[:0]
	for _, c := range body {
		if c == '\\' || c >= utf8.RuneSelf {
			return true
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		m.lower = append(m.lower, c)
	}
	for _, n := range m.needles {
		if bytes.Contains(m.lower, n) {
			return true
		}
	}
	return false
}
