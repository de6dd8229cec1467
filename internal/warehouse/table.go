package warehouse

import "fmt"

// A Table is the result of a query. Its values are fit for people and for JSON: a
// TIMESTAMP is a time.Time, a DATE or a UUID a string, a DECIMAL a json.Number,
// NULL is nil.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Objects returns the rows by the names of their columns. Of several columns
// with one name, the second is name_2.
func (t *Table) Objects() []map[string]any {
	names, seen := make([]string, len(t.Columns)), map[string]int{}
	for i, name := range t.Columns {
		seen[name]++
		if seen[name] > 1 {
			name = fmt.Sprintf("%s_%d", name, seen[name])
		}
		names[i] = name
	}
	list := make([]map[string]any, len(t.Rows))
	for i, r := range t.Rows {
		list[i] = make(map[string]any, len(names))
		for j, name := range names {
			list[i][name] = r[j]
		}
	}
	return list
}
