package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// generated matches a table between its two marks.
var generated = regexp.MustCompile(`(?s)(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)`)

// fill writes each table between its marks. A table without marks, or marks without a
// table, are an error.
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
			return "", fmt.Errorf("document has no marks for the table %q", name)
		}
	}
	if len(placed) != len(tables) {
		return "", fmt.Errorf("document has marks for the tables %q, want %d tables", placed, len(tables))
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
	// Neighbour matches a document in the same folder.
	neighbour = regexp.MustCompile(`\bdocs/([a-z-]+\.md)`)
	// Code matches the name of a variable, a path or a URL, without the period that
	// ends a sentence.
	code = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_(?:[A-Z0-9]+|<[A-Z]+>|\.\.\.))+|(?:\b[a-z]+:|/)[A-Za-z/{](?:[^\s,;]*[^\s,;.])?`)
)

// prose returns a help text as Markdown. Documents become links. Names become code:
// otherwise a browser would read <WORKSPACE> as a tag.
func prose(about string) string {
	return escape(code.ReplaceAllString(neighbour.ReplaceAllString(about, "[$1]($1)"), "`$0`"))
}

// escape escapes the bars in a text for a cell of a table.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
