package duckdb

import (
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// laidOut is what a statement stores: the rows at the indexes, with their columns and the
// texts that they share. Write lays a batch out before it waits for the file: the other
// loop of a worker writes at that time.
type laidOut struct {
	rows    []warehouse.Row
	indexes []int
	columns []warehouse.Column // with a value in one of the rows
	shared  map[string]string  // texts of all rows, by column
}

// layOut lays out the rows at the indexes, at least one.
func (s *Sink) layOut(rows []warehouse.Row, indexes []int) laidOut {
	l := laidOut{rows: rows, indexes: indexes, columns: s.used(rows, indexes), shared: map[string]string{}}
	for i := range l.columns {
		c := &l.columns[i]
		if text, ok := sharedText(c, rows, indexes); ok {
			l.shared[c.Name] = text
		}
	}
	return l
}

// used returns the columns that have a value in one of the rows. Twenty of the columns
// have none in a usual batch. Each NULL of a row would be a call of C.
func (s *Sink) used(rows []warehouse.Row, indexes []int) []warehouse.Column {
	columns := make([]warehouse.Column, 0, len(s.columns))
	for i := range s.columns {
		c := &s.columns[i]
		if c.Required || slices.ContainsFunc(indexes, func(index int) bool { return hasValue(c, &rows[index]) }) {
			columns = append(columns, *c)
		}
	}
	return columns
}

func hasValue(c *warehouse.Column, r *warehouse.Row) bool {
	switch c.Type {
	case warehouse.Text, warehouse.JSON:
		return c.Text(r) != ""
	case warehouse.Integer:
		return c.Integer(r) != 0
	case warehouse.Boolean:
		return c.Boolean(r) != nil
	default:
		return !c.Time(r).IsZero()
	}
}

// sharedText returns the text that all rows at the indexes have in a column, such as the
// workspace, if the text is plain enough for a literal in SQL. A literal costs nothing for
// each row.
func sharedText(c *warehouse.Column, rows []warehouse.Row, indexes []int) (string, bool) {
	if c.Type != warehouse.Text {
		return "", false
	}
	text := c.Text(&rows[indexes[0]])
	for _, index := range indexes {
		if c.Text(&rows[index]) != text {
			return "", false
		}
	}
	return text, isPlain(text)
}

// isPlain reports whether s has 1 to 64 letters, digits and characters of addresses, none
// of which means anything to SQL within quotes.
func isPlain(s string) bool {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r)
	}
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, special)
}
