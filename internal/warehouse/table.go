package warehouse

import "fmt"

// A Table is the result of a query. People and JSON can show its values: a
// TIMESTAMP is a time.Time, a DATE or a UUID a string, a DECIMAL a json.Number, and
// NULL is nil.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Objects returns each row as a map from the names of the columns to the values.
// When several columns have one name, the second becomes name_2.
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
