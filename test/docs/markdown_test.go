package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// generated is a table between its two marks.
var generated = regexp.MustCompile(`(?s)(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)`)

// fill writes each table between its marks. Every table has to have its place.
func fill(text string, tables map[string][]setting) (string, error) {
	var placed []string
	text = generated.ReplaceAllStringFunc(text, func(block string) string {
		parts := generated.FindStringSubmatch(block)
		placed = append(placed, parts[2])
		return parts[1] + table(tables[parts[2]]) + parts[3]
	})
	slices.Sort(placed)
	for name := range tables {
		if _, ok := slices.BinarySearch(placed, name); !ok {
			return "", fmt.Errorf("no place for the table %q", name)
		}
	}
	if len(placed) != len(tables) {
		return "", fmt.Errorf("places for the tables %q, and there are %d tables", placed, len(tables))
	}
	return text, nil
}

const heading = "| variable | flag | default | meaning |\n| --- | --- | --- | --- |\n"

func table(settings []setting) string {
	var b strings.Builder
	b.WriteString(heading)
	for _, s := range settings {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Name, s.Flag, defaultOf(s), prose(s.About))
	}
	return b.String()
}

func defaultOf(s setting) string {
	if s.Default == "" || s.Default == required {
		return s.Default
	}
	return "`" + escape(s.Default) + "`"
}

var (
	// Neighbour is a document in the same folder.
	neighbour = regexp.MustCompile(`\bdocs/([a-z-]+\.md)`)
	// Code is the name of a variable, a path or a URL.
	code = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_(?:[A-Z0-9]+|<[A-Z]+>|\.\.\.))+|(?:\b[a-z]+:|/)[A-Za-z/{][^\s,;]*`)
)

// prose makes Markdown of a help text: names are code, so that <WORKSPACE> is no
// tag, and documents are links.
func prose(about string) string {
	return escape(code.ReplaceAllString(neighbour.ReplaceAllString(about, "[$1]($1)"), "`$0`"))
}

// escape keeps a text in its cell.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
