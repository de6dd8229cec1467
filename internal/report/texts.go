package report

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// A name is a row of customerio_names.
type name struct {
	Key
	Name string `json:"name"`
}

// nameOf returns the message's name as the views show it: the name of the source, with the
// name of the action or variant.
func nameOf(names []name, k Key) string {
	var whole, part string
	for _, n := range names {
		if n.Workspace != k.Workspace || n.Source != k.Source || n.SourceID != k.SourceID {
			continue
		}
		variant := k.Content
		if k.Action != 0 {
			variant = 0
		}
		if n.Action == 0 && n.Content == 0 {
			whole = n.Name
		}
		if n.Action == k.Action && n.Content == variant && n.Action+n.Content != 0 {
			part = n.Name
		}
	}
	return strings.Trim(whole+" / "+part, " /")
}

// Title returns the message's name, else the message's ids, such as "campaign 7 / 12".
func (m *Message) Title() string { return title(m.Name, m.Key) }

// Title returns the title of the link's message.
func (l *Link) Title() string { return title(l.Name, l.Key) }

func title(name string, k Key) string {
	parts := []string{cmp.Or(strings.TrimSpace(k.Source+" "+k.SourceID), "without a source")}
	for _, id := range []int64{k.Action, k.Content} {
		if id != 0 {
			parts = append(parts, strconv.FormatInt(id, 10))
		}
	}
	ids := strings.Join(parts, " / ")
	if name == "" {
		return ids
	}
	return name + " (" + ids + ")"
}

var (
	addresses = regexp.MustCompile(`[^\s<>"':;,()\[\]=&/?]+(@|%40)[A-Za-z0-9.-]+`)
	uuids     = regexp.MustCompile(`/[^/\s]*[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}[^/\s]*`)
	urlTails  = regexp.MustCompile(`(https?://[^\s?#]*)[?#]\S*`)
)

// withoutPeople removes e-mail addresses and query strings: people pass a report on, and
// messages that differ only in the address are one reason.
func withoutPeople(text string) string {
	return addresses.ReplaceAllString(urlTails.ReplaceAllString(text, "$1"), "…")
}
